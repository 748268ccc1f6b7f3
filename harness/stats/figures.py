"""Figures with their intervals, as suites compute, store and print them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.paired import Estimate, ratio_difference
from harness.stats.rates import clopper_pearson


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of ``total`` with its exact two-sided interval (Clopper-Pearson); ``value`` is None of nothing."""

    count: int
    total: int
    value: float | None
    low: float
    high: float

    def shown(self) -> str:
        """Return ``3/40 (1.6% to 20.4%)``, or a dash of nothing."""
        return f"{self.count}/{self.total} ({self.low:.1%} to {self.high:.1%})" if self.total else "-"


@dataclass(frozen=True, slots=True)
class Spread:
    """How ``n`` values lie: mean, extremes and percentiles."""

    n: int
    mean: float
    min: float
    p5: float
    median: float
    p95: float
    max: float


def proportion(count: int, total: int, level: float = 0.95) -> Proportion:
    """Return a share with its counts and its exact interval at ``level``."""
    low, high = clopper_pearson(count, total, level)
    return Proportion(count, total, count / total if total else None, low, high)


def spread(values: Sequence[float]) -> Spread | None:
    """Return how the values lie; None for none."""
    if not values:
        return None
    cuts = (float(cut) for cut in np.percentile(np.asarray(values, np.float64), [0, 5, 50, 95, 100]))
    return Spread(len(values), float(np.mean(values)), *cuts)


def mean(values: Sequence[float], seed: int, level: float = 0.95) -> Estimate | None:
    """Return the mean of one value a chunk, in order of speaking, with its interval; None for fewer than 2 values."""
    if len(values) < 2:
        return None
    ones = np.ones(len(values))
    return ratio_difference(values, ones, np.zeros(len(values)), ones, seed=seed, level=level)
