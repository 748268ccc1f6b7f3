"""A limit that healthy values exceed with a stated small probability, beyond what the sample itself reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

TAIL = 0.1  # share of the values that the tail is fitted on
LEAST_TAIL = 20
SHAPE = (0.0, 0.4)  # no bounded tails (they end at the sample's maximum), none so heavy that nothing is ever found


def tail_limit(values: ArrayLike, probability: float) -> float:
    """Return the value exceeded with ``probability`` by a generalized Pareto tail, never below the largest value.

    Peaks over threshold by maximum likelihood (``scipy.stats.genpareto``), the shape kept within [0, 0.4]. With too few
    values above the threshold, the largest value plus a tenth of its distance from the median. Raises ValueError for no
    values, values that are not finite, and a probability outside (0, 1).
    """
    from scipy.stats import genpareto

    x = np.sort(np.asarray(values, np.float64))
    if x.size == 0 or not np.isfinite(x).all():
        raise ValueError("a limit needs finite values")
    if not 0 < probability < 1:
        raise ValueError(f"a probability lies between 0 and 1, not at {probability}")
    largest, middle = float(x[-1]), float(np.median(x))
    threshold = float(np.quantile(x, 1 - TAIL))
    beyond = x[x > threshold] - threshold
    share = beyond.size / x.size
    if beyond.size < LEAST_TAIL or share <= probability or np.ptp(beyond) == 0:
        return largest + 0.1 * (largest - middle)
    shape, _, scale = genpareto.fit(beyond, floc=0)
    if not SHAPE[0] <= shape <= SHAPE[1]:
        shape, _, scale = genpareto.fit(beyond, f0=min(max(shape, SHAPE[0]), SHAPE[1]), floc=0)
    return max(threshold + float(genpareto.isf(probability / share, shape, 0, scale)), largest)
