"""Fit the limits of a voice on its own healthy speech."""

from harness.verdicts.calibration.calibrate import calibrate, calibrate_takes
from harness.verdicts.calibration.healthy import fit_priors
from harness.verdicts.limits import BUDGET

__all__ = ["BUDGET", "calibrate", "calibrate_takes", "fit_priors"]
