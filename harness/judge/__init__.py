"""Evidence + limits -> findings and verdicts: the only place that compares with a limit (layer 3)."""

from harness.judge.judge import Judge
from harness.judge.limits import Bound, FaultLimits, Limits

__all__ = ["Bound", "FaultLimits", "Judge", "Limits"]
