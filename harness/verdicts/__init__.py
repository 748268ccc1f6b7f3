"""Evidence + limits -> findings and verdicts: the only place that compares with a limit."""

from harness.verdicts.limits import Bound, FaultLimits, Limits
from harness.verdicts.policy import VerdictPolicy
from harness.verdicts.priors import Priors
from harness.verdicts.this_run import OwnBound, RunChunk, ThisRun, fit_run

__all__ = ["Bound", "FaultLimits", "Limits", "OwnBound", "Priors", "RunChunk", "ThisRun", "VerdictPolicy", "fit_run"]
