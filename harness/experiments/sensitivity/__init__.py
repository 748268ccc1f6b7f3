"""What would have been noticed: clean twins, injected copies, and how often the right name was found."""

from harness.experiments.sensitivity.figures import RecallRow, recall_rows
from harness.experiments.sensitivity.trial import InjectionTrial, Trials
from harness.experiments.sensitivity.twins import Twin

__all__ = ["InjectionTrial", "RecallRow", "Trials", "Twin", "recall_rows"]
