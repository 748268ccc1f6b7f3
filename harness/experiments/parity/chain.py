"""All stages in their order: which one leaves its tolerance first, and is its error born there or grown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import ConfigError
from harness.experiments.parity.limits import ParityLimits
from harness.experiments.parity.stages import StageParity, compare_stage

Array = NDArray[np.generic]
BORN = 30.0  # times the error of any stage before it
SMALLEST = 1e-7  # relative error of single precision: what every stage is allowed to make


@dataclass(frozen=True)
class Chain:
    """Every stage that both sides have, in the reference's order, and what one side lacks."""

    stages: tuple[StageParity, ...]
    missing: tuple[str, ...] = ()  # "name (not in the candidate)"

    @property
    def first(self) -> StageParity | None:
        """Return the first stage outside of its tolerance."""
        return next((stage for stage in self.stages if stage.left), None)

    @property
    def born(self) -> bool | None:
        """Return whether the error of that stage is its own: far above that of every stage before.

        None if all is well.
        """
        first = self.first
        if first is None:
            return None
        if first.error is None:
            return True
        return first.error > BORN * max(self._error_before(first), SMALLEST)

    def _error_before(self, stage: StageParity) -> float:
        before = self.stages[: self.stages.index(stage)]
        return max((each.error for each in before if each.error is not None), default=0.0)

    @property
    def passed(self) -> bool | None:
        """Return None where nothing is wrong with what could be compared and something could not."""
        if self.first is not None:
            return False
        return None if self.missing or not self.stages else True

    def says(self) -> str:
        """Return one sentence."""
        first = self.first
        lacking = f"; not compared: {', '.join(self.missing)}" if self.missing else ""
        if not self.stages:
            return "no stage is on both sides" + lacking
        if first is None:
            worst = min((s.cosine for s in self.stages if s.cosine is not None), default=None)
            figure = f", lowest cosine {worst:.6f}" if worst is not None else ""
            return f"all {len(self.stages)} stages stay within their tolerance{figure}{lacking}"
        place = self.stages.index(first) + 1
        text = f"stage {first.name!r} ({place} of {len(self.stages)}) is the first outside of its tolerance: "
        return f"{text}{first.problem}; {self._where(first)}{lacking}"

    def _where(self, first: StageParity) -> str:
        before = self.stages[: self.stages.index(first)]
        if self.born:
            if not before:
                return "there is no stage before it"
            worst = self._error_before(first)
            own = f"{first.error:.2g}" if first.error is not None else "unknown"
            return f"its error is born there (relative error {own}, at most {worst:.2g} before)"
        grown = [each for each in before if (each.error or 0.0) > SMALLEST]
        since = grown[0].name if grown else before[-1].name
        steps = ", ".join(f"{each.name} {each.error:.2g}" for each in (*before, first) if each.error is not None)
        return f"its error has grown since {since!r} (relative errors: {steps})"


def compare_stages(reference: Mapping[str, Array], candidate: Mapping[str, Array], limits: ParityLimits) -> Chain:
    """Compare all stages by their names. Raises ConfigError when a named tolerance fits no stage of either side."""
    for name in limits.stages:
        if name not in reference and name not in candidate:
            names = ", ".join(dict.fromkeys([*reference, *candidate]))
            raise ConfigError(f"limits: parity.stages.{name}: neither side has this stage (they have: {names})")
    missing = [f"{name} (not in the candidate)" for name in reference if name not in candidate]
    missing += [f"{name} (not in the reference)" for name in candidate if name not in reference]
    compared = tuple(
        compare_stage(name, np.asarray(values), np.asarray(candidate[name]), limits.tolerance(name))
        for name, values in reference.items()
        if name in candidate
    )
    return Chain(compared, tuple(missing))
