"""Teacher-forced divergence on speech tokens: what a model file costs before anything is sampled (layer 3)."""

from harness.divergence.figures import Divergence, Estimate, Figures, Slot
from harness.divergence.measure import Generation, NotMeasured, measure

__all__ = ["Divergence", "Estimate", "Figures", "Generation", "NotMeasured", "Slot", "measure"]
