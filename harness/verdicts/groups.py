"""Two groups in the values of one run: chunks that stand apart from the others together, and not one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.detectors import catalogue
from harness.detectors.readable import readable_value

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_CHUNKS_APART = 5  # fewer are strays, which every fit leaves out one by one
LEAST_SHARE_APART = 0.05  # of the chunks; the same
LEAST_SEPARATION = 4.0  # Ashman's D; one flat distribution, cut in the middle, has 3.7, a normal one 2.9
VALLEY = (0.35, 0.65)  # of the way from one group to the other
MOST_IN_VALLEY = 0.15  # of the smaller group's chunks; a flat distribution, cut in the middle, has 0.3 of them there
FAR_APART = 6.0  # Ashman's D that no single distribution comes near
MOST_BETWEEN_FAR = 0.25  # of the smaller group's chunks in the valley then: a fault may hit some of them half
TRIMMED = (0.05, 0.95)  # what of a group tells how far it spreads: a stray must not join two groups
MOST_SPLITS = 4  # strays are cut off so many times before what is left counts as one group


@dataclass(frozen=True, slots=True)
class TwoGroups:
    """A detector's values lie in two groups of chunks so large that nobody can say which of them is healthy.

    ``smaller`` and ``larger`` count the chunks, ``smaller_at`` and ``larger_at`` are the medians of their values.
    """

    smaller: int
    larger: int
    smaller_at: float
    larger_at: float

    def said(self, detector: str) -> str:
        """Return both groups in words, in the unit of the detector."""
        unit = catalogue()[detector].unit
        small, large = (readable_value(detector, value, unit) for value in (self.smaller_at, self.larger_at))
        return (
            f"two groups of chunks, {self.larger} around {large} and {self.smaller} around {small}: "
            "the run cannot tell which is healthy"
        )


def two_groups(values: Values, apart: Mask) -> TwoGroups:
    """Describe the groups that :func:`smaller_group` told apart in ``values``, both shape (chunks,)."""
    others = np.isfinite(values) & ~apart
    small, large = (float(np.median(values[group])) for group in (apart, others))
    return TwoGroups(int(apart.sum()), int(others.sum()), small, large)


def smaller_group(rest: Values, among: Mask, least: float) -> Mask:
    """Say which chunks make the smaller of two groups, none where the values are one group; shape (chunks,).

    ``rest`` is what the text does not explain, ``among`` the chunks that count. The values are parted where both
    halves vary least (Fisher 1958), strays left aside. Two groups lie further apart than ``least``, have an Ashman's D
    (Ashman, Bird and Zepf 1994; their distance against how far they spread) of 4, and hardly a chunk between them.
    """
    nowhere = np.zeros(len(rest), np.bool_)
    left = among & np.isfinite(rest)
    enough = max(LEAST_CHUNKS_APART, math.ceil(LEAST_SHARE_APART * left.sum()))
    for _ in range(MOST_SPLITS):
        if left.sum() < 2 * enough:
            return nowhere
        upper = left & (rest > _parted(rest[left]))
        lower = left & ~upper
        small, large = (upper, lower) if upper.sum() <= lower.sum() else (lower, upper)
        if small.sum() >= enough:
            return small if _apart(rest[small], rest[large], least) else nowhere
        left = large
    return nowhere


def _parted(values: Values) -> float:
    """Return the largest value of the lower part, where the parts' sum of squares around their means is least."""
    ordered = np.sort(values)
    counts = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)
    lower, upper = sums[:-1] / counts, (sums[-1] - sums[:-1]) / counts[::-1]
    between = counts * counts[::-1] * (upper - lower) ** 2
    return float(ordered[int(between.argmax())])


def _apart(smaller: Values, larger: Values, least: float) -> bool:
    start, end = float(np.median(smaller)), float(np.median(larger))
    distance = abs(end - start)
    spread = math.hypot(_spread(smaller), _spread(larger))
    if distance <= least or math.sqrt(2) * distance < LEAST_SEPARATION * spread:
        return False
    most = MOST_BETWEEN_FAR if math.sqrt(2) * distance >= FAR_APART * spread else MOST_IN_VALLEY
    way = (np.concatenate([smaller, larger]) - start) / (end - start)
    between = (way > VALLEY[0]) & (way < VALLEY[1])
    return bool(between.sum() <= most * len(smaller))


def _spread(values: Values) -> float:
    return float(np.clip(values, *np.quantile(values, TRIMMED)).std())
