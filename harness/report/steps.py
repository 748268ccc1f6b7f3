"""Steps in a series of nights: where the level changed, and how likely chance is to do that.

Nights are runs of their own, so their order is exchangeable while nothing changes; this is what is tested (largest
standardised CUSUM against permutations), and each side of a step is looked at again (binary segmentation).
``harness.stats.step_test`` is for neighbouring chunks of one session, which are not exchangeable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST = 10  # nights
_SIDE = 3  # nights on each side of a step: fewer are outliers
_RESAMPLES = 9_999


def changes(values: Sequence[float], alpha: float, start: int = 0) -> list[tuple[int, float]]:
    """Return (index of the first value after the step, p-value) of each step with p < ``alpha``, in order; seeded."""
    if len(values) < LEAST or len(set(values)) == 1:
        return []
    from scipy.stats import permutation_test

    series = np.asarray(values, np.float64)
    test = permutation_test(
        (series,),
        lambda x, axis=-1: _cusum(x, axis).max(axis=-1),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=_RESAMPLES,
        batch=1000,
        rng=np.random.default_rng(0),
    )
    if not test.pvalue < alpha:
        return []
    at = int(_cusum(series, -1).argmax()) + _SIDE
    left, right = changes(values[:at], alpha, start), changes(values[at:], alpha, start + at)
    return [*left, (start + at, float(test.pvalue)), *right]


def _cusum(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Distance of the means before and after each place, in standard errors, for places ``_SIDE`` or more inside."""
    rows = np.moveaxis(np.asarray(x), axis, -1)
    n = rows.shape[-1]
    centred = rows - rows.mean(axis=-1, keepdims=True)
    k = np.arange(1, n)
    sums = np.abs(np.cumsum(centred, axis=-1)[..., :-1]) / np.sqrt(k * (n - k) / n)
    inner: NDArray[np.float64] = sums[..., _SIDE - 1 : n - _SIDE]
    return inner
