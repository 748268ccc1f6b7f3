"""A run that is stopped on its way, as Ctrl-C does it."""

from __future__ import annotations

from harness.engine.progress import Quiet, Tick


class KilledAfterTrials(Quiet):
    """Stops a bisect once so many trials were measured."""

    def __init__(self, after: int) -> None:
        self.after = after

    def tick(self, tick: Tick) -> None:
        if tick.stage == "trials" and tick.done >= self.after:
            raise KeyboardInterrupt
