"""From detections and limits to the findings and the verdict of a chunk, and from chunks to claims about their run."""

from harness.verdicts.limits import Bound, FaultLimits, Limits
from harness.verdicts.policy import VerdictPolicy
from harness.verdicts.priors import Priors
from harness.verdicts.this_run import OwnBound, RunChunk, ThisRun, fit_run

__all__ = ["Bound", "FaultLimits", "Limits", "OwnBound", "Priors", "RunChunk", "ThisRun", "VerdictPolicy", "fit_run"]
