"""What the classes share that no single chunk can show: a claim over the whole run judges them."""

from typing import ClassVar

from harness.faults.base import BaseFault, NotApplicable, Seen
from harness.types import View


class WholeRunFault(BaseFault):
    """``judged_by`` names the suite and the claim; in a single attempt there is nothing to look at."""

    unit = "over the whole run"
    judged_by: ClassVar[str]

    def measure(self, view: View) -> Seen:
        raise NotApplicable(f"judged over the whole run: {self.judged_by}")
