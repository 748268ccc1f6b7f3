"""How much more the short texts of a run vary than its long ones."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.verdicts.groups import Mask, Values
from harness.verdicts.priors import BUCKETS, Priors

LEAST_OF_A_LENGTH = 20  # chunks in a bucket of lengths, to tell how much these vary

Buckets: TypeAlias = NDArray[np.int64]  # of lengths, an index a chunk


def widening_by_length(name: str, rest: Values, buckets: Buckets, healthy: Mask, priors: Priors) -> Values:
    """Return how much more texts of a length vary, one factor a chunk, at least 1.

    As the run shows where it has 20 of them, and at most as healthy voices do.
    """
    far = np.abs(rest)
    usual = float(np.median(far[healthy]))
    factors = []
    for bucket in range(len(BUCKETS)):
        inside = healthy & (buckets == bucket)
        prior = priors.widening(name, bucket)
        own = prior
        if inside.sum() >= LEAST_OF_A_LENGTH and usual > 0:
            own = max(float(np.median(far[inside])) / usual, 1.0)
        factors.append(min(own, prior))
    wider: Values = np.array(factors)[buckets]
    return wider
