"""What the parity suite keeps: a row a pair and bucket, a row a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.experiments.parity.ends import EndToEnd
from harness.experiments.parity.speaker import SpeakerParity
from harness.experiments.parity.stages import StageParity


@dataclass(frozen=True, slots=True)
class CallSpeed:
    """Seconds and RTFx of the first call of a callable and the median of the later ones; None for recorded dumps."""

    cold_seconds: float | None
    warm_seconds: float | None
    cold_rtfx: float | None
    warm_rtfx: float | None


@dataclass(frozen=True, slots=True)
class PairResult:
    """One pair at one bucket. ``speed`` is by side, the reference first."""

    pair: str
    bucket: int | None
    first: str | None  # stage outside of its tolerance
    born: bool | None  # whether its error is its own
    missing: Sequence[str]
    stages: Sequence[StageParity]
    chain: str  # in a sentence
    ends: EndToEnd | None
    sound: str  # in a sentence
    speed: Mapping[str, CallSpeed]


@dataclass(frozen=True, slots=True)
class VariantResult:
    """One variant as it was driven. ``ends`` by chunk and ``speaker`` against the reference, which has none itself."""

    placement: str
    requests: int
    failed: int
    cold_seconds: float | None
    cold_rtfx: float | None
    warm_rtfx: float | None
    peak_rss_bytes: int | None
    ends: Mapping[str, EndToEnd]
    speaker: SpeakerParity | None
