"""What would have been noticed: clean twins, injected copies, and how often the right name was found (layer 4)."""

from harness.sensitivity.figures import Row, figures
from harness.sensitivity.trial import Trials, Tried
from harness.sensitivity.twins import Twin

__all__ = ["Row", "Trials", "Tried", "Twin", "figures"]
