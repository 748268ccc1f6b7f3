"""The payloads of the scorers: the contract between scorers, detectors, verdicts and report.

All values are plain JSON. None stands where a figure cannot be measured (never NaN, never 0 for "unknown"). A key that
an older run does not have is absent, so every payload is read with ``get`` or after a look. Times: seconds of the clip.
ARCHITECTURE.md has the same keys with what they mean.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

Pair: TypeAlias = list[float | None]  # start and end, first and last


class CombFigures(TypedDict):
    """Places that keep time: one each ``period`` seconds."""

    period: float
    hits: int
    times: list[float]


class Periodic(TypedDict, total=False):
    """The frames nearest to an exact repeat of ``period`` samples."""

    ratio: float | None
    period: int | None
    seconds: float | None
    span: Pair | None


class LongestPause(TypedDict, total=False):
    """``seconds``: 0 without any pause, None without speech; ``ratio``: to the clip's median pause."""

    seconds: float | None
    ratio: float | None
    span: Pair | None


class Clicks(TypedDict, total=False):
    """Single steps that the sound around them cannot explain."""

    count: int | None
    worst_ratio: float | None
    worst_dbfs: float | None
    times: list[float]
    seams: CombFigures | None


class Holes(TypedDict):
    """Short holes in running speech."""

    count: int | None
    times: list[float]
    regular: CombFigures | None


class SteepestLevelStep(TypedDict, total=False):
    """The largest change of the level of speech, in dB."""

    value: float | None
    time: float | None


class SignalSpans(TypedDict, total=False):
    """Where damage lies, start and end in seconds."""

    nonfinite: list[float]
    clipping: list[float]
    constant: list[float]


class SignalPayload(TypedDict, total=False):
    """What the waveform alone tells."""

    duration: float | None
    sample_rate: int
    peak_dbfs: float | None
    rms_dbfs: float | None
    active_rms_dbfs: float | None
    loudness_lufs: float | None
    dc_offset: float | None
    dc_ratio: float | None
    constant: bool | None
    nonfinite_fraction: float | None
    clipped_fraction: float | None
    clipped_longest_run: int | None
    over_one_fraction: float | None
    rail_jumps: int | None
    active_fraction: float | None
    speech_start: float | None
    speech_end: float | None
    noise_floor_dbfs: float | None
    envelope_cv: float | None
    flatness: float | None
    centroid_hz: float | None
    rolloff99_hz: float | None
    periodic: Periodic
    pauses: list[list[float]]
    longest_pause: LongestPause
    edge_levels_db: Pair | None
    clicks: Clicks
    holes: Holes
    level_step_db: SteepestLevelStep
    spans: SignalSpans


class PitchPayload(TypedDict, total=False):
    """Fundamental frequency, voicing and harmonicity."""

    f0_median_hz: float | None
    f0_p05_hz: float | None
    f0_p95_hz: float | None
    voiced_fraction: float | None
    voiced_seconds: float | None
    harmonicity_db: float | None
    harmonicity_db_halves: Pair
    periodicity_db_halves: Pair


PitchKey: TypeAlias = Literal["f0_median_hz", "f0_p05_hz", "f0_p95_hz"]


class CodebookFigures(TypedDict):
    """The codes of one codebook; ``size`` and ``out_of_range`` are None where the layout does not know it."""

    size: int | None
    min: int | None
    max: int | None
    unique: int
    entropy_bits: float | None
    out_of_range: int | None


class Cycle(TypedDict, total=False):
    """The longest exact back-to-back repeat of frames; 0 and 0 without any."""

    period: int
    repeats: int
    span: Pair | None


class TokensPayload(TypedDict, total=False):
    """What the speech tokens tell before any audio is heard."""

    count: int | None
    frames: int | None
    tokens_per_second: float | None
    finish_reason: str | None
    cap: int | None
    cap_hit: bool | None
    codebooks: list[CodebookFigures] | None
    cycle: Cycle | None
    longest_run: int | None
    length_mismatch: float | None


class SpokenWord(TypedDict, total=False):
    """A word with its times; ``probability`` where it was heard, ``logprob`` (nats) where it was read with the text."""

    word: str
    start: float
    end: float
    probability: float | None
    logprob: float


class ErrorRate(TypedDict, total=False):
    """Errors of one alignment; ``words`` or ``characters`` is the size of the reference."""

    errors: int
    words: int
    characters: int
    substitutions: int
    deletions: int
    insertions: int
    rate: float | None


class AlignedPart(TypedDict):
    """One operation of an alignment; ``ref`` and ``hyp`` are ranges of word indices."""

    op: str
    ref: list[int]
    hyp: list[int]


class TranscriptPayload(TypedDict, total=False):
    """What a recognizer hears against what was asked for."""

    engine: str
    model: str
    normaliser: str
    language: str
    text: str
    reference: str
    hypothesis: str
    words: list[SpokenWord]
    wer: ErrorRate
    cer: ErrorRate
    alignment: list[AlignedPart]
    avg_logprob: float | None
    no_speech_prob: float | None


class LikelyEdit(TypedDict):
    """One edit of the text; ``ref``: word indices; ``gain`` and ``second``: nats against the text as written."""

    kind: str
    ref: list[int]
    said: list[str]
    gain: float
    second: float | None
    span: list[float]


class UnexplainedStretch(TypedDict):
    """Sound that holds none of the text's words, with the likeliest other language and the text's own probability."""

    span: list[float]
    ref: list[int]
    seconds: float
    expected: float
    heard: str
    language: str | None
    probability: float | None
    own: float | None


class EditsPayload(TypedDict, total=False):
    """Edits of the text that might explain the audio better."""

    model: str
    second: str | None
    words: list[SpokenWord]
    end_logprob: float
    edits: list[LikelyEdit]
    hypotheses: int
    unexplained: list[UnexplainedStretch]


class SpeakerPayload(TypedDict, total=False):
    """Whose voice it sounds like; ``similarity``: cosine to the voice's embedding, None without one."""

    encoder: str
    embedding: list[float]
    similarity: float | None
    against: str
    speech_seconds: float


class OpinionPayload(TypedDict, total=False):
    """Predicted opinion scores from 1 to 5; all but ``overall`` from DNSMOS alone."""

    overall: float | None
    signal: float | None
    background: float | None
    p808: float | None
