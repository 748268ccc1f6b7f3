"""How much of a value is its neighbour's, and what that does to means and slopes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def autocorrelation(values: ArrayLike) -> float:
    """Return lag-1 autocorrelation after a straight line is taken out, corrected for its bias; in [0, 0.95].

    The correction is that of Marriott and Pope (1954) with a fitted trend: rho + (2 + 4 rho) / n. Negative values
    count as 0, which keeps the tests that use it on the safe side.
    """
    y = np.asarray(values, np.float64)
    n = y.size
    if n < 4:
        return 0.0
    x = np.arange(n) - (n - 1) / 2
    rest = y - y.mean() - x * (x @ y) / (x @ x)
    power = float(rest @ rest)
    if power <= 1e-12 * max(float(y @ y), 1.0):
        return 0.0
    rho = float(rest[1:] @ rest[:-1]) / power
    return float(min(max(rho + (2 + 4 * rho) / n, 0.0), 0.95))


def cautious(values: ArrayLike, by: float = 1.0) -> float:
    """Return lag-1 autocorrelation raised by a share of itself: rho (1 + ``by`` / sqrt(n)), at most 0.95.

    An estimate too small costs false alarms, one too large only power.
    """
    y = np.asarray(values, np.float64)
    return min(autocorrelation(y) * (1 + by / math.sqrt(max(y.size, 1))), 0.95)


def widening(rho: float) -> float:
    """Return by how much lag-1 autocorrelation ``rho`` widens the standard error of a mean (AR(1), Bartlett 1935)."""
    return math.sqrt((1 + rho) / (1 - rho))
