"""Fit the limits of a voice on its own healthy speech (layer 3, above judge and profile)."""

from harness.calibration.calibrate import BUDGET, calibrate, calibrate_takes
from harness.calibration.tail import tail_limit

__all__ = ["BUDGET", "calibrate", "calibrate_takes", "tail_limit"]
