"""What a detector may look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.records.answered import Attempt, TokenLayout
from harness.core.records.asked import Chunk
from harness.core.records.measured import Measurement, Payloads


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

    @property
    def payload(self) -> Payloads:
        """Return the payloads of this attempt: ``view.payload("signal")`` is a SignalPayload, or None."""
        return Payloads(self.observations)
