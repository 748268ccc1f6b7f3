"""A limit that healthy values exceed with a stated small probability, beyond what the sample itself reaches."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

TAIL = 0.1  # share of the values that the tail is fitted on
LEAST_TAIL = 20
SHAPE = (0.0, 0.4)  # no bounded tails (they end at the sample's maximum), none so heavy that nothing is ever found


def tail_limit(values: ArrayLike, probability: float) -> float:
    """The value exceeded with ``probability`` by a generalized Pareto tail, never below the largest value seen.

    Peaks over threshold with probability-weighted moments (Hosking and Wallis 1987), the shape kept within
    [0, 0.4]. With too few values above the threshold, the largest value plus a tenth of its distance from the
    median. Raises ValueError for no values.
    """
    x = np.sort(np.asarray(values, np.float64))
    if x.size == 0 or not np.isfinite(x).all():
        raise ValueError("a limit needs finite values")
    if not 0 < probability < 1:
        raise ValueError(f"a probability lies between 0 and 1, not at {probability}")
    largest, middle = float(x[-1]), float(np.median(x))
    threshold = float(np.quantile(x, 1 - TAIL))
    beyond = x[x > threshold] - threshold
    share = beyond.size / x.size
    if beyond.size < LEAST_TAIL or share <= probability:
        return largest + 0.1 * (largest - middle)
    mean = float(beyond.mean())
    ranks = (np.arange(1, beyond.size + 1) - 0.35) / beyond.size
    weighted = float(((1 - ranks) * beyond).mean())
    if mean <= 2 * weighted:
        return largest + 0.1 * (largest - middle)
    shape = min(max(2 - mean / (mean - 2 * weighted), SHAPE[0]), SHAPE[1])
    scale = mean * (1 - shape)
    rise = -math.log(probability / share) if shape == 0 else ((probability / share) ** -shape - 1) / shape
    return max(threshold + scale * rise, largest)
