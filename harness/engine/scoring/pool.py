"""Several scoring processes that take from one queue, each driven by a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.core.errors import SoakError
from harness.engine.scoring.job import ScoreJob, ScoreResult
from harness.engine.scoring.queue import JobQueue


class ScoringSeat(Protocol):
    """Where jobs are done one after the other, in whatever process and on whatever machine."""

    def warm(self) -> None:
        """Begin to load what jobs need, and return at once; only before the first job."""
        ...

    def score(self, job: ScoreJob, deliver: Callable[[ScoreResult], None]) -> ScoreJob | None:
        """Do a job and deliver what each room saw; whatever goes wrong is in the results.

        Returns what this seat could not do and another try may. Raises SoakError where no seat could do any.
        """
        ...

    def stop(self) -> None:
        """End what works here, at once; safe to call from another thread and again."""
        ...


class ScoringPool:
    """Feeds the seats from one queue and delivers what they saw.

    Args:
        seats: one for each job that may be done at a time.
        beside: how many of them work while the backend speaks.
        deliver: called with each result, from the seat's thread.
        in_order: first come, first served, instead of the longest first.
    """

    def __init__(
        self,
        seats: Sequence[ScoringSeat],
        beside: int,
        deliver: Callable[[ScoreResult | SoakError], None],
        *,
        in_order: bool,
    ) -> None:
        self.seats = list(seats)
        self.held_up = 0.0
        self._beside = beside
        self._deliver = deliver
        self._jobs = JobQueue(beside, in_order=in_order)
        self._threads = [
            threading.Thread(target=self._feed, args=(number, seat), name=f"scoring-{number + 1}", daemon=True)
            for number, seat in enumerate(self.seats)
        ]
        self._idle = True  # nothing was submitted yet
        for thread in self._threads:
            thread.start()

    def warm(self) -> None:
        """Have the seats that work beside the backend load their models while it loads its own."""
        if self._idle:
            self._idle = False
            for seat in self.seats[: self._beside]:
                seat.warm()

    def submit(self, job: ScoreJob) -> None:
        """Queue a job; blocks while too many wait, which ``held_up`` counts (s)."""
        began, self._idle = time.monotonic(), False
        self._jobs.put(job)
        self.held_up += time.monotonic() - began

    def speaking(self, speaking: bool) -> None:
        """Say whether the backend speaks: beside it only so many seats work, without it all of them."""
        self._jobs.serve(self._beside if speaking else len(self.seats))

    def close(self) -> None:
        """Let queued jobs finish, then end the seats."""
        self._jobs.serve(len(self.seats))
        self._jobs.close()
        for thread in self._threads:
            thread.join()

    def kill(self) -> None:
        """End at once; queued jobs are dropped (an interrupted run scores them when it is resumed)."""
        self._jobs.close(drop=True)
        for seat in self.seats:
            seat.stop()

    def _feed(self, number: int, seat: ScoringSeat) -> None:
        while (job := self._jobs.take(number)) is not None:
            try:
                left = seat.score(job, self._deliver)
            except SoakError as error:
                self._deliver(error)
                break
            if left is not None:
                self._jobs.put_back(left)
        seat.stop()
