"""What travels between the harness and a scoring process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.records import Attempt, Chunk, Measurement, Status, TokenLayout, Variant

ROOMS = ("analysis", "recognizer")
"""Scorers of one room look at an attempt together; what kills one room's scorers leaves the other's measurements."""


@dataclass(frozen=True)
class ScoreJob:
    """One attempt to be scored by the scorers of one room; the audio is read from disk by the scoring process."""

    attempt: Attempt
    chunk: Chunk
    audio: Path | None
    variant: Variant
    layout: TokenLayout | None = None
    voice_embeddings: Mapping[str, Sequence[float]] = field(default_factory=dict)
    scorers: tuple[str, ...] = ()
    room: str = ROOMS[0]

    @property
    def attempt_id(self) -> int:
        """Return the number of the attempt in the journal; -1 for one that is in none."""
        return self.attempt.id if self.attempt.id is not None else -1

    def failed(self, why: str) -> ScoreResult:
        """Return the result of a job that nobody could do: every scorer failed, for this reason."""
        unseen = tuple(Measurement(name, "", Status.ERROR, {}, why) for name in self.scorers)
        return ScoreResult(self.room, self.attempt_id, unseen)


@dataclass(frozen=True)
class ScoreResult:
    """What one room saw in one attempt."""

    room: str
    attempt_id: int
    observations: tuple[Measurement, ...]
    cpu_seconds: float | None = None  # spent by the scoring process on this attempt
