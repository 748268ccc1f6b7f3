"""Proportions: exact intervals, differences, paired counts, and what a small count still allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Interval: TypeAlias = tuple[float, float]


def clopper_pearson(k: int, n: int, level: float = 0.95) -> Interval:
    """Return the exact two-sided interval of a proportion, k of n (Clopper and Pearson 1934); (0, 1) of nothing."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no proportion")
    if n == 0:
        return 0.0, 1.0
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(k, n, alpha=1 - level, method="beta")
    return (0.0 if k == 0 else float(low)), (1.0 if k == n else float(high))


def rate_difference(k: int, n: int, k0: int, n0: int, level: float = 0.95) -> Interval:
    """Return interval of k/n - k0/n0, independent samples, hybrid score (Newcombe 1998). Nothing counted: (-1, 1)."""
    if n == 0 or n0 == 0:
        return -1.0, 1.0
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(k, n, k0, n0, compare="diff", method="newcomb", alpha=1 - level)
    return float(low), float(high)


def compatible(k: int, n: int, level: float = 0.95) -> str:
    """Return what a small count still allows, e.g. ``0 of 13 is compatible with a fault rate up to 25%``."""
    if n == 0:
        return "nothing was judged: any fault rate is compatible with that"
    high = clopper_pearson(k, n, level)[1]
    return f"{k} of {n} is compatible with a fault rate up to {_percent(high)}"


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided McNemar p-value from the discordant pairs; 1 when there are none."""
    from scipy.stats import binomtest

    pairs = only_first + only_second
    return 1.0 if pairs == 0 else float(binomtest(min(only_first, only_second), pairs, 0.5).pvalue)


def bursts(faulty: Sequence[bool], *, seed: int, repeats: int = 1999) -> float:
    """Return the one-sided p-value that faults lie next to each other more often than in a random order.

    It is 1 for fewer than 2.

    Intervals of proportions take chunks as independent: faults in bursts make them too narrow.
    """
    marks = np.asarray(faulty, bool)
    if marks.sum() < 2:
        return 1.0
    rng = np.random.default_rng(seed)
    rows = rng.permuted(np.tile(marks, (repeats, 1)), axis=1)
    null = (rows[:, 1:] & rows[:, :-1]).sum(axis=1)
    return (1 + int((null >= (marks[1:] & marks[:-1]).sum()).sum())) / (1 + repeats)


def _percent(rate: float) -> str:
    return f"{rate:.0%}" if rate >= 0.1 else f"{rate:.1%}"
