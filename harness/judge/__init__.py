"""Evidence + limits -> findings and verdicts: the only place that compares with a limit (layer 3)."""

from harness.judge.judge import VerdictPolicy
from harness.judge.limits import Bound, FaultLimits, Limits
from harness.judge.priors import Priors
from harness.judge.this_run import OwnBound, RunChunk, ThisRun, fit_run

__all__ = ["Bound", "FaultLimits", "Limits", "OwnBound", "Priors", "RunChunk", "ThisRun", "VerdictPolicy", "fit_run"]
