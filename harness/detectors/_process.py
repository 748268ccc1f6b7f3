"""What the classes share that are seen in how the request ended."""

from typing import ClassVar

from harness.core.records import DetectorInput, Outcome
from harness.detectors.base import BaseFault, DetectorValue, Family


class ProcessFault(BaseFault):
    """1 when the request ended in one of ``outcomes``, else 0. Needs no scorer."""

    family = Family.PROCESS
    unit = "requests"
    physical_limit = 0.0
    essential = True
    outcomes: ClassVar[tuple[Outcome, ...]] = ()

    def measure(self, view: DetectorInput) -> DetectorValue:
        attempt = view.attempt
        if attempt.outcome not in self.outcomes:
            return DetectorValue(0.0)
        return DetectorValue(
            1.0, None, f"{attempt.outcome.value}: {attempt.detail}" if attempt.detail else attempt.outcome.value
        )
