"""Sets of restored tensors measured one after the other, each once: what the run's journal holds is not asked again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from harness.causes.bisect.search import Restored
from harness.causes.budget import Budget
from harness.engine.progress import Progress, Tick
from harness.experiments.divergence import NotMeasured
from harness.store import Run

MEASURED = "bisect measured"  # the kind of event in the journal


class TrialBench:
    """Measures sets of parts; ``measure`` does the work for one set and may raise NotMeasured.

    A set that the model cannot be loaded or evaluated with counts as infinitely far away, and that is journalled too.
    ``most``: how many trials are likely, for the progress alone.
    """

    def __init__(
        self, run: Run, name: str, measure: Callable[[Restored], float], progress: Progress, budget: Budget, most: int
    ) -> None:
        self._run, self._name, self._measure, self._most = run, name, measure, most
        self._progress, self._budget = progress, budget
        self._began = time.monotonic()
        self._known: dict[Restored, float] = {}
        self.why = ""  # the last set that could not be measured could not
        for event in run.events(MEASURED):
            if event.data["what"] == name:
                value = event.data["value"]
                self._known[frozenset(event.data["restored"])] = math.inf if value is None else float(value)
                self.why = event.data.get("why", self.why)
        self.measured = 0  # in this process

    def __call__(self, restored: Restored) -> float:
        """Return what stays with these parts restored. Raises BudgetSpent before a measurement, never in one."""
        if restored in self._known:
            return self._known[restored]
        self._budget.check()
        began, why = time.monotonic(), ""
        try:
            value = self._measure(restored)
        except NotMeasured as error:
            value, why = math.inf, str(error)
            self.why = why
        self._known[restored] = value
        self._run.record_event(
            MEASURED,
            {
                "what": self._name,
                "restored": sorted(restored),
                "value": value if math.isfinite(value) else None,
                "seconds": round(time.monotonic() - began, 3),
                **({"why": why} if why else {}),
            },
        )
        self.measured += 1
        seconds = time.monotonic() - self._began
        most = max(self._most, len(self._known))
        self._progress.tick(Tick(self._name, "trials", len(self._known), most, seconds=seconds))
        return value


def work_folder(run: Run) -> Path:
    """Return the folder of the run that hybrids are written to, made if need be."""
    folder = run.path / "hybrids"
    folder.mkdir(exist_ok=True)
    return folder
