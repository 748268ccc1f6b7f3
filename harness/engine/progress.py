"""What the engine tells whoever watches; knows nothing of terminals or pytest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Tick:
    """Where a session stands."""

    variant: str
    stage: str  # "soak", "scoring", "confirming", "quiet pass"
    done: int
    total: int
    faulty: int = 0
    not_judged: int = 0
    rtfx: float | None = None
    seconds: float = 0.0  # since the stage began
    chunk_id: str = ""
    disk_bytes: int | None = None

    @property
    def seconds_left(self) -> float | None:
        """Return the time left at the pace so far, or None before the first chunk."""
        if not self.done:
            return None
        return self.seconds / self.done * (self.total - self.done)


class Progress(Protocol):
    """Receives ticks and one-line messages."""

    def tick(self, tick: Tick) -> None: ...

    def say(self, message: str) -> None: ...


class Quiet:
    """Says nothing."""

    def tick(self, tick: Tick) -> None:
        """Ignore the tick."""

    def say(self, message: str) -> None:
        """Ignore the message."""
