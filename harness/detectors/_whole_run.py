"""What the classes share that no single chunk can show: a claim over the whole run judges them."""

from typing import ClassVar

from harness.core.records import DetectorInput
from harness.detectors.base import BaseFault, DetectorValue, NotApplicable


class WholeRunFault(BaseFault):
    """``judged_by`` names the suite and the claim; in a single attempt there is nothing to look at."""

    unit = "over the whole run"
    judged_by: ClassVar[str]

    def measure(self, view: DetectorInput) -> DetectorValue:
        raise NotApplicable(f"judged over the whole run: {self.judged_by}")
