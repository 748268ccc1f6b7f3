"""The words of the project as frozen dataclasses and enums.

Units, everywhere: times in seconds, rates in Hz, levels in dBFS or LUFS, memory in bytes. Audio is
float32, mono, shape (samples,), nominal range [-1, 1]. Token arrays are int32, shape (frames, codebooks).
JSON-like payloads hold only str, int, float, bool, None, lists and dicts; a missing value is None, never 0 or NaN.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
Tokens: TypeAlias = NDArray[np.int32]
Json: TypeAlias = dict[str, Any]


LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")  # the well-formed BCP-47 tags that occur for speech


# --------------------------------------------------------------------------- what is asked
@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of text handed to the backend in one call."""

    id: str
    text: str
    language: str = "en"  # BCP-47
    tags: tuple[str, ...] = ()
    position: int = 0  # 0-based, in its corpus
    expected: str = ""  # what should be heard where that is not the text itself (SSML, phonemes, a house style)

    @property
    def expected_text(self) -> str:
        """Return what should be heard: ``expected`` where the corpus gives it, else the text."""
        return self.expected or self.text


@dataclass(frozen=True, slots=True)
class Corpus:
    """An ordered, checksummed list of chunks."""

    name: str
    chunks: tuple[Chunk, ...]
    sha256: str
    source: str = ""


class SeedPolicy(StrEnum):
    FIXED = "fixed"  # the same seed for every chunk
    PER_CHUNK = "per-chunk"  # derived from the variant's seed and the chunk id
    NONE = "none"  # the backend takes no seed


@dataclass(frozen=True, slots=True)
class Variant:
    """One configuration under test; its name is what ``-k`` selects."""

    name: str
    adapter: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # adapter's own keys, paths already absolute
    voice: str | None = None
    voice_prompt: Path | None = None  # a recording of the voice, for speaker similarity
    seed: int = 0
    seed_policy: SeedPolicy = SeedPolicy.PER_CHUNK
    reference: bool = False  # others are judged against this one
    against: str | None = None  # name of the variant that this one is judged against
    family: bool = False  # named as such for this variant alone: the two are meant to be one voice
    language: str = "en"
    request_timeout: float = 300.0  # s, whole request
    progress_timeout: float = 60.0  # s without any sign of life
    retries: int = 0
    reload_every: int = 0  # 0: never
    profile: Path | None = None  # committed profile of the reference
    calibration: Path | None = None  # limits of this voice
    suites: tuple[str, ...] = ()  # empty: all suites; else only these take it
    asr: str | None = None  # recognizer that knows this voice, for runs that name none
    resources: Mapping[str, float] = field(default_factory=dict)  # CPU, GPU or a cluster's own, that its session takes
    source: str = ""  # file that declared it


@dataclass(frozen=True, slots=True)
class Request:
    """What the worker is asked to speak."""

    chunk_id: str
    text: str
    seed: int | None
    voice: str | None = None
    language: str = "en"
    overrides: Mapping[str, Any] = field(default_factory=dict)  # settings for this request only (sweep, arms)
    tokens: Tokens | None = field(default=None, compare=False)  # for the vocoder alone, in place of the text
    expected: str = ""  # what should be heard where that is not the text; no backend is told


# --------------------------------------------------------------------------- what comes back
@dataclass(frozen=True, slots=True)
class TokenLayout:
    """Geometry of a backend's speech tokens."""

    codebook_sizes: tuple[int, ...]
    frame_seconds: float  # audio seconds one frame of all codebooks stands for
    cap: int | None = None  # speech tokens at which generation is cut off
    silent: tuple[int, ...] = ()


class Computes(StrEnum):
    """Where the speech of a backend is computed."""

    HERE = "here"  # in the worker or below it: its CPU seconds and memory are the backend's
    ELSEWHERE = "elsewhere"  # in a server that was there before: the worker is only its client
    NOWHERE = "nowhere"  # recordings: no speed at all


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a loaded backend says of itself. ``computes`` decides which of the worker's own figures mean something."""

    sample_rate: int | None = None
    layout: TokenLayout | None = None
    seeded: bool = True
    resets: bool = False  # reset() clears its state without a reload
    stages: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)  # versions, build, model sha256, file size
    computes: Computes = Computes.HERE


@dataclass(slots=True)
class Synthesis:
    """What an adapter returns for one request. Either ``samples`` or ``audio_path`` (a file still to be read)."""

    samples: Samples | None = None
    sample_rate: int | None = None
    audio_path: Path | None = None
    tokens: Tokens | None = None  # (frames, codebooks), as generated, before any range check
    token_count: int | None = None  # speech tokens generated, also where ``tokens`` is unknown
    finish_reason: str | None = None  # "stop", "length" or the backend's own word
    ttfa: float | None = None  # s, request to first playable sample
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)  # e.g. header repairs, ranges printed in a log


class Outcome(StrEnum):
    """How a request ended. All but OK are faults of the process, not errors of the tool."""

    OK = "ok"
    CRASH = "crash"  # the worker or its program died: signal or exit code
    HANG = "hang"  # no sign of life within the progress timeout
    TIMEOUT = "timeout"  # the request's own limit
    ERROR = "error"  # the backend said no: exception, non-zero exit, HTTP error
    NO_AUDIO = "no-audio"  # succeeded, but gave nothing, or no frames
    BAD_AUDIO = "bad-audio"  # gave a file that is no readable audio
    AWAY = "away"  # nothing was asked: no server answers, the program cannot be started; never journalled as an attempt

    LOST = "lost"  # the machine that computed it is gone: says nothing of the backend; the chunk is spoken again


class Arm(StrEnum):
    """Why an attempt was made. Suites may use words of their own."""

    SOAK = "soak"
    RETRY = "retry"
    REFERENCE = "reference"
    REPLAY_SAME_SEED = "replay-same-seed"
    REPLAY_NEW_SEED = "replay-new-seed"
    QUIET = "quiet"  # timed with no scoring beside it
    LOST = "lost"  # in flight when the machine was lost that spoke it; nobody judges it


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and its outcome. Identity: (session, arm, chunk_id, take)."""

    session: int
    epoch: int
    sequence: int  # order of requests within the session, from 0
    chunk_id: str
    variant: str
    arm: str = Arm.SOAK
    take: int = 0
    seed: int | None = None
    outcome: Outcome = Outcome.OK
    detail: str = ""  # one line: signal, exit code, what the backend said
    audio: str | None = None  # path relative to the run directory
    audio_sha256: str | None = None  # of the PCM as float32 little-endian samples
    sample_rate: int | None = None
    duration: float | None = None  # s of audio
    tokens: Tokens | None = None
    token_count: int | None = None
    finish_reason: str | None = None
    wall_seconds: float | None = None  # monotonic
    cpu_seconds: float | None = None  # of the worker's process group
    ttfa: float | None = None
    rss_bytes: int | None = None  # after the request
    peak_rss_bytes: int | None = None
    stderr_tail: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None  # given by the store


class Status(StrEnum):
    OK = "ok"
    NOT_AVAILABLE = "n/a"  # a need is not met: no tokens, no text, encoder not installed
    ERROR = "error"  # the scorer failed


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one scorer saw in one attempt. Never a judgement."""

    scorer: str
    version: str
    status: Status
    payload: Json = field(default_factory=dict)
    reason: str = ""  # why not available or failed


def payload_or_empty(measurement: Measurement | None) -> Json:
    """Return what a scorer measured, empty where it could not or was not asked."""
    return measurement.payload if measurement is not None and measurement.status is Status.OK else {}


# --------------------------------------------------------------------------- what is made of it
Span: TypeAlias = tuple[float, float]  # start, end in seconds of the audio


class Relation(StrEnum):
    """How a value is set against the reference's value on the same text before it meets its limit."""

    ABSOLUTE = "absolute"  # not at all
    EXCESS = "excess"  # value minus the reference's
    RATIO = "ratio"  # value divided by the reference's
    DISTANCE = "distance"  # distance from the reference's, either way


@dataclass(frozen=True, slots=True)
class Detection:
    """What a fault class sees in one attempt, on a scale of its own: larger is always worse.

    ``value`` is given for healthy speech too (limits are fitted on it). ``None`` with a reason means that the class
    cannot judge this attempt; that is not the same as clean.
    """

    fault: str
    value: float | None
    unit: str = ""
    span: Span | None = None
    detail: str = ""
    reason: str = ""  # why value is None
    applies: bool = True  # False: the class has nothing to look at by nature (no tokens from this backend)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in one attempt."""

    fault: str
    value: float
    limit: float
    limit_source: str  # "physics", "reference", "voice", "this run" or "prior", with its particulars
    unit: str = ""
    span: Span | None = None
    detail: str = ""
    confirmed: bool | None = None  # None: suspected, not replayed
    bound_to: str | None = None  # "text", "seed", "history" or, with several clients, "load" once replayed


@dataclass(frozen=True, slots=True)
class UsedLimit:
    """What one detector's value was held against in one attempt; ``value`` and ``limit`` are on the limit's scale."""

    detector: str
    value: float
    limit: float
    source: str  # begins with "physics", "reference", "voice", "this run" or "prior"


class VerdictWord(StrEnum):
    CLEAN = "clean"
    FAULTY = "faulty"
    NOT_JUDGED = "not judged"
    NOTHING_TO_SPEAK = "nothing to speak"  # punctuation or emoji alone, answered by silence or a refusal

    @property
    def judged(self) -> bool:
        """Return whether the chunk counts in a fault rate: clean or faulty."""
        return self in (VerdictWord.CLEAN, VerdictWord.FAULTY)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of a chunk. ``unjudged`` names what could not look, also where the word is clean or faulty."""

    word: VerdictWord
    findings: tuple[Finding, ...] = ()
    reason: str = ""  # of NOT_JUDGED
    unjudged: tuple[str, ...] = ()
    limits: tuple[UsedLimit, ...] = field(default=(), compare=False)
    final: bool = field(default=False, compare=False)  # False: provisional, before the whole session was there


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about the whole run, with its figure, count, interval and margin."""

    name: str
    variant: str
    statement: str  # a sentence with figures
    passed: bool | None  # None: the run is too small to say, or the claim only informs
    value: float | None = None
    interval: tuple[float, float] | None = None
    margin: float | None = None
    count: int | None = None
    details: Json = field(default_factory=dict)


# --------------------------------------------------------------------------- what faults may look at
@dataclass(frozen=True, slots=True)
class ReferenceRecord:
    """What the reference did with one text: its evidence and a few figures, a value a seed."""

    chunk_id: str
    evidence: Mapping[str, Sequence[float]] = field(default_factory=dict)  # fault name -> value of each seed
    durations: Sequence[float] = ()
    token_counts: Sequence[int] = ()
    transcripts: Sequence[str] = ()  # normalised
    figures: Mapping[str, Sequence[float]] = field(default_factory=dict)  # e.g. f0_median_hz -> value of each seed


@dataclass(frozen=True, slots=True)
class DetectorInput:
    """All that a fault class may look at in one attempt: the chunk, the attempt, observations by scorer name."""

    chunk: Chunk
    attempt: Attempt
    observations: Mapping[str, Measurement]
    reference: ReferenceRecord | None = None
    previous: Chunk | None = None  # the chunk spoken before in the same epoch, for state bleed
    layout: TokenLayout | None = None
    voice: Mapping[str, float] = field(default_factory=dict)  # what the run's other chunks lead to expect of this text

    def payload(self, scorer: str) -> Json | None:
        """Return the payload of a scorer that saw this attempt, or None."""
        measurement = self.observations.get(scorer)
        return measurement.payload if measurement is not None and measurement.status is Status.OK else None
