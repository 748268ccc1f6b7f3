"""Pairs on the same chunks: differences of word error rates and of means, in order of speaking."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.autocorrelation import cautious, widening
from harness.stats.rates import Interval, clopper_pearson

Series: TypeAlias = NDArray[np.float64]

RESAMPLES = 4999
LEAST_WHITENED = 12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of ``n`` chunks with its interval."""

    value: float
    low: float
    high: float
    n: int

    @property
    def interval(self) -> Interval:
        """Return both ends."""
        return self.low, self.high

    def shown(self, form: str) -> str:
        """Return ``0.120 (0.100 to 0.140)``, each number in ``form``."""
        return f"{self.value:{form}} ({self.low:{form}} to {self.high:{form}})"


def ratio_difference(
    errors: ArrayLike, words: ArrayLike, errors0: ArrayLike, words0: ArrayLike, *, seed: int, level: float = 0.95
) -> Estimate:
    """Return difference of two corpus-level WERs on the same chunks, with the paired bootstrap over chunks.

    Each array holds a count a chunk, in order of speaking. The interval is the bootstrap's standard interval (Efron and
    Tibshirani 1993, chapter 12) with quantiles of t, widened for the lag-1 autocorrelation of the chunks' influence.
    Percentile and BCa intervals of the same resamples were tried: with 100 chunks of uneven WER they miss the truth in
    6.9% and 9.5% of 1,000 simulated runs at nominal 5%, this one in 5.1% before widening. Raises ValueError for arrays
    of unequal length or without a word.
    """
    table = np.stack([np.asarray(a, np.float64) for a in (errors, words, errors0, words0)])
    if table.shape[1] == 0 or table[1].sum() == 0 or table[3].sum() == 0:
        raise ValueError("no words to take a rate of")
    n = table.shape[1]
    total = table.sum(axis=1)
    value = float(total[0] / total[1] - total[2] / total[3])
    first = (table[0] - total[0] / total[1] * table[1]) / total[1]
    influence = first - (table[2] - total[2] / total[3] * table[3]) / total[3]
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    sums = weights @ table.T
    spread = sums[:, 0] / np.maximum(sums[:, 1], 1) - sums[:, 2] / np.maximum(sums[:, 3], 1)
    half = _half_width(float(spread.std()), influence, level)
    return Estimate(value, value - half, value + half, n)


def error_rate(errors: ArrayLike, words: ArrayLike, *, seed: int, level: float = 0.95) -> Estimate:
    """Return corpus-level WER with its interval over chunks, as in :func:`ratio_difference`; never below 0.

    Without any error the interval is the exact one of a proportion, words taken as independent: the resamples cannot
    show what was never seen. Raises ValueError without a word.
    """
    wrong, of = np.asarray(errors, np.float64), np.asarray(words, np.float64)
    if not wrong.any() and of.sum() > 0:
        return Estimate(0.0, *clopper_pearson(0, int(of.sum()), level), int(of.size))
    estimate = ratio_difference(wrong, of, np.zeros_like(of), of, seed=seed, level=level)
    return replace(estimate, low=max(estimate.low, 0.0))


def _half_width(error: float, influence: Series, level: float) -> float:
    from scipy.stats import t

    n = influence.size
    if n < 2:
        return math.inf
    rho = cautious(influence)
    effective = max(n * (1 - rho) / (1 + rho), 3.0)
    return error * math.sqrt(n / (n - 1)) * widening(rho) * float(t.ppf((1 + level) / 2, effective - 1))


def sign_flip(differences: ArrayLike, *, seed: int) -> float:
    """Return the two-sided p-value that paired differences are centred on 0, by flipping signs (Fisher); 1 for none.

    ``differences`` are in order of speaking; what neighbours have in common is taken out first (pre-whitening), because
    signs may be flipped one by one only where chunks are independent.
    """
    values = np.asarray(differences, np.float64)
    if values.size == 0 or not values.any():
        return 1.0
    from scipy.stats import permutation_test

    if values.size >= LEAST_WHITENED and (rho := cautious(values)) > 0:
        values = values[1:] - rho * values[:-1]
    test = permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=RESAMPLES, rng=np.random.default_rng(seed)
    )
    return float(test.pvalue)
