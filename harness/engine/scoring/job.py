"""What travels between the harness and a scoring process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.core.records import Attempt, Chunk, Measurement, Status, TokenLayout, Variant

ROOMS = ("analysis", "recognizer")
"""Scorers of one room look at an attempt together; what kills one room's scorers leaves the other's measurements.

They look in this order, at one clip that is decoded once.
"""


@dataclass(frozen=True)
class ScoreJob:
    """One attempt to be scored, room by room; the audio is read from disk by the scoring process.

    ``rooms``: the scorers of each room that is to look, in the order in which they look.
    """

    attempt: Attempt
    chunk: Chunk
    audio: Path | None
    variant: Variant
    layout: TokenLayout | None = None
    voice_embeddings: Mapping[str, Sequence[float]] = field(default_factory=dict)
    rooms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def attempt_id(self) -> int:
        """Return the number of the attempt in the journal; -1 for one that is in none."""
        return self.attempt.id if self.attempt.id is not None else -1

    def without(self, *rooms: str) -> ScoreJob | None:
        """Return the job of the other rooms; None where there is none."""
        left = {room: scorers for room, scorers in self.rooms.items() if room not in rooms}
        return replace(self, rooms=left) if left else None

    def failed(self, room: str, why: str) -> ScoreResult:
        """Return the result of a room that could not look: each of its scorers failed, for this reason."""
        unseen = tuple(Measurement(name, "", Status.ERROR, {}, why) for name in self.rooms[room])
        return ScoreResult(room, self.attempt_id, unseen)


@dataclass(frozen=True)
class ScoreResult:
    """What one room saw in one attempt."""

    room: str
    attempt_id: int
    observations: tuple[Measurement, ...]
    cpu_seconds: float | None = None  # spent by the scoring process on this attempt
