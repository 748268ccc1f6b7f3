"""How fast a session goes, and how often a backend that died is brought back before it is given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.backends.worker import BackendLoadFailed
from harness.core.errors import SoakError
from harness.core.records import Attempt
from harness.engine.session import BackendGone, PlannedRequest, Session

RESTARTS_IN_VAIN = 3  # a backend that cannot be brought back is given up, its other chunks stay unspoken


@dataclass
class Speed:
    """Audio seconds per second of the request, so far."""

    audio: float = 0.0
    wall: float = 0.0

    def add(self, attempt: Attempt) -> None:
        if attempt.duration and attempt.wall_seconds:
            self.audio += attempt.duration
            self.wall += attempt.wall_seconds

    @property
    def value(self) -> float | None:
        return self.audio / self.wall if self.wall else None


def patiently(
    session: Session, turns: list[PlannedRequest], give_up: Callable[[SoakError], None]
) -> Iterator[tuple[PlannedRequest, Callable[[PlannedRequest], Iterator[Attempt]]]]:
    """Yield turns with a speaker that outlives failed restarts, until the backend is given up."""
    failures = 0
    for turn in turns:
        error: SoakError | None = None

        def speak(turn: PlannedRequest) -> Iterator[Attempt]:
            nonlocal failures, error
            try:
                yield from session.speak([turn])
                failures = 0
            except (BackendLoadFailed, BackendGone) as problem:
                failures, error = failures + 1, problem

        yield turn, speak
        if error is not None and (failures >= RESTARTS_IN_VAIN or isinstance(error, BackendGone)):
            give_up(error)
            return
