"""Fit the limits of a voice on its own healthy speech (layer 3, above judge and profile)."""

from harness.calibration.calibrate import calibrate, calibrate_takes
from harness.calibration.healthy import fit_priors
from harness.judge.limits import BUDGET

__all__ = ["BUDGET", "calibrate", "calibrate_takes", "fit_priors"]
