"""Teacher-forced divergence on speech tokens: what a model file costs before anything is sampled."""

from harness.experiments.divergence.figures import Divergence, DivergenceEstimate, Figures, Slot
from harness.experiments.divergence.measure import Generation, NotMeasured, measure_divergence

__all__ = ["Divergence", "DivergenceEstimate", "Figures", "Generation", "NotMeasured", "Slot", "measure_divergence"]
