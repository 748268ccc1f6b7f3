"""Which planted faults were found."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.records import Claim, Json
from harness.experiments.canary.run import CanaryResult
from harness.experiments.results import stored_results
from harness.report.sections.axes import Drawn
from harness.report.sections.matrices import matrix


def draw_planted(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Draw variants down, planted faults across: found or not."""
    stored = {name: one.planted for name, one in stored_results(CanaryResult, results).items() if one.planted}
    planted = {(name, one.fault): one for name, those in stored.items() for one in those}
    if not planted:
        return []
    cells = {key: ("found" if one.found else "MISSED", one.found) for key, one in planted.items()}
    missed = ", ".join(f"{fault} in {name}" for (name, fault), one in planted.items() if not one.found)
    label = f"Planted faults; {'missed: ' + missed if missed else 'every one was found'}."
    return [("", matrix(list(stored), list(dict.fromkeys(fault for _, fault in planted)), cells, "planted", label))]
