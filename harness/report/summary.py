"""``summary.json`` as types: what a run found, in figures with counts and intervals."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.core.documents import parse_model, read_json
from harness.core.records import Json
from harness.store.manifest import Provenance

SUMMARY_VERSION = 1


class _Part(BaseModel):
    """Fields of later versions are ignored and fields that earlier versions lacked have defaults: both are read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Share(_Part):
    """A proportion with its counts and its exact two-sided interval (Clopper-Pearson); None where ``total`` is 0."""

    value: float | None
    low: float | None
    high: float | None
    count: int
    total: int
    level: float = 0.95


class WordErrors(_Part):
    """Word errors summed over all chunks with a transcript and divided by their words."""

    errors: int = 0
    words: int = 0
    rate: float | None = None
    chunks: int = 0


class CharacterErrors(_Part):
    """Character errors summed over all chunks with a transcript and divided by their characters."""

    errors: int = 0
    characters: int = 0
    rate: float | None = None
    chunks: int = 0


class LanguageErrors(_Part):
    """WER and CER of the chunks of one language."""

    wer: WordErrors
    cer: CharacterErrors


class SpeakerSimilarity(_Part):
    """Cosines to the reference voice: mean and 5th percentile over chunks, and the encoder that gave the embeddings."""

    encoder: str | None
    mean: float | None
    p5: float | None
    chunks: int


class SpeedFigures(_Part):
    """RTFx: ``value`` by ``clock`` (earlier versions counted CPU seconds), ``cpu`` by CPU seconds of the worker."""

    value: float | None
    clock: str = "cpu"
    basis: str = ""
    chunks: int = 0
    cpu: float | None = None


class FirstAudio(_Part):
    """Seconds to the first audio: median and 95th percentile over the chunks that told it."""

    p50: float | None = None
    p95: float | None = None
    chunks: int = 0


class StreamingFigures(_Part):
    """Pauses of over 0.1 s in the playing of a stream because audio was late, in ``listened`` chunks."""

    ttfa: FirstAudio = FirstAudio()
    underruns: int | None = None
    listened: int = 0
    longest_gap: float | None = None


class ScoringLag(_Part):
    """How far scoring was behind a backend that computes elsewhere.

    ``seconds`` from the last chunk spoken to the last one scored, ``chunks`` that waited then, ``held_up``: seconds for
    which the next request waited for the scorers, ``jobs`` of them.
    """

    seconds: float
    chunks: int
    held_up: float
    jobs: int


class LoadFigures(_Part):
    """What several clients got together, a second; None for a single session."""

    clients: int | None = None
    requests_per_second: float | None = None
    audio_per_second: float | None = None


class TokenFigures(_Part):
    """Speech tokens a chunk, and how many chunks ended at the cap (None: not known)."""

    mean: float | None
    p5: float | None
    p95: float | None
    cap_hits: int | None
    chunks: int


class RateDifference(_Part):
    """Difference of fault rates with Newcombe's interval; ``count`` of ``total`` are the reference's."""

    value: float
    low: float
    high: float
    count: int
    total: int


class PairedFigure(_Part):
    """A difference or a ratio over the chunks that both spoke; no interval where they are too few."""

    value: float
    low: float | None
    high: float | None
    chunks: int


class Against(_Part):
    """A variant beside its reference. ``how`` says where the reference's figures are from; None: not comparable."""

    name: str = ""
    how: str = ""
    fault_rate: RateDifference | None = None
    wer: PairedFigure | None = None
    tokens: PairedFigure | None = None


class ClaimFigures(_Part):
    """One claim. ``passed`` is None where the run is too small to say; ``urgent`` ones stand beside the verdict."""

    name: str
    passed: bool | None
    statement: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    margin: float | None = None
    urgent: bool = False
    count: int | None = None
    variant: str = ""  # where it is about what was not spoken under its own name


class VerdictCounts(_Part):
    """How the chunks of one variant's soak were decided."""

    soaked: bool = True  # False: an experiment with arms of its own, that speaks no soak with this variant
    chunks: int
    clean: int
    faulty: int
    not_judged: int
    nothing_to_speak: int = 0
    fault_rate: Share
    faults: dict[str, int]
    confirmed: int = 0
    suspected: int = 0
    refuted: int = 0
    bound_to: dict[str, int] = Field(default_factory=dict)
    not_judged_because: dict[str, int]
    could_not_look: dict[str, int] = Field(default_factory=dict)


class VariantSummary(VerdictCounts):
    """What one variant did. Counts are of chunks of the soak; None stands for what was not measured."""

    wer: WordErrors
    cer: CharacterErrors
    by_language: dict[str, LanguageErrors] = Field(default_factory=dict)
    looped: int = 0
    speaker_similarity: SpeakerSimilarity
    rtfx: SpeedFigures
    streaming: StreamingFigures = StreamingFigures()
    scoring_lag: ScoringLag | None = None  # None where scoring kept up
    load: LoadFigures = LoadFigures()
    audio_seconds: float = 0.0
    tokens: TokenFigures
    peak_memory_bytes: int | None
    model_bytes: int | None = None
    epochs: int = 0
    recorded: bool = False
    retries: int = 0
    outcomes: dict[str, int] = Field(default_factory=dict)
    reference: str | None = None  # where the profile is from that it is judged by
    claims: list[ClaimFigures] = Field(default_factory=list)
    against: Against | None = None

    @property
    def judged(self) -> int:
        """Return the chunks with a verdict of clean or faulty."""
        return self.clean + self.faulty


class Listener(_Part):
    """Who listened and where; names of several joined by ``+``, None where nobody did."""

    engine: str | None = None
    model: str | None = None
    normaliser: str | None = None
    device: str | None = None
    compute_type: str | None = None


class TimingsValidity(_Part):
    """Whether speed means anything (None: not known), why not, and the largest share that other work took."""

    valid: bool | None = None
    reason: str = ""
    others_share: float | None = None


class CorpusFigures(_Part):
    """The corpus without its texts."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    sha256: str
    chunks: int = 0
    source: str | None = None


class RunSummary(_Part):
    """The whole of ``summary.json``."""

    run_id: str
    schema_version: int = SUMMARY_VERSION
    suite: str
    experiment: bool = False
    reference: str | None = None
    status: str
    provenance: Provenance
    corpus: CorpusFigures
    recognizer: Listener = Listener()
    created_utc: str | None = None
    timings: TimingsValidity = TimingsValidity()
    variants: dict[str, VariantSummary]
    other_claims: list[ClaimFigures] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    damage: list[str] = Field(default_factory=list)
    disk_bytes: int = 0

    @property
    def timed(self) -> bool:
        """Return whether speed may be shown as it is: nothing is known against it."""
        return self.timings.valid is not False

    @property
    def encoder(self) -> str | None:
        """Return the speaker encoder behind every similarity."""
        return next((row.speaker_similarity.encoder for row in self.variants.values()), None)

    def to_json(self) -> Json:
        """Return the content of ``summary.json``."""
        plain: dict[str, object] = self.model_dump(mode="json")
        return plain


def read_summary(path: Path) -> RunSummary:
    """Read a ``summary.json`` of this or an earlier version. Raises ConfigError naming the file and what is wrong."""
    return parse_model(RunSummary, read_json(path, "summary"), f"{path}: not a summary that can be read")
