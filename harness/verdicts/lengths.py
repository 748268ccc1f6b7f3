"""How much more the short texts of a run vary than its long ones."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.verdicts.groups import Mask, Values
from harness.verdicts.priors import BUCKETS, Priors

LEAST_OF_A_LENGTH = 20  # chunks in a bucket of lengths, to tell how much these vary
FEWEST_OF_A_LENGTH = 5  # to tell how much they vary at most; of texts of one to three words, which differ in kind, 20
UNSURE = 0.5  # standard errors of their median that fewer than 20 may vary more than they show

Buckets: TypeAlias = NDArray[np.int64]  # of lengths, an index a chunk


def widening_by_length(name: str, rest: Values, buckets: Buckets, healthy: Mask, priors: Priors) -> Values:
    """Return how much more texts of a length vary, one factor a chunk, at least 1.

    As the run shows where it has 20 of them, where it has fewer with some allowance for how few they are, and at most
    as healthy voices do.
    """
    far = np.abs(rest)
    usual = float(np.median(far[healthy]))
    factors = []
    for bucket in range(len(BUCKETS)):
        inside = healthy & (buckets == bucket)
        prior = priors.widening(name, bucket)
        fewest = FEWEST_OF_A_LENGTH if bucket else LEAST_OF_A_LENGTH
        own = _at_most(far[inside]) / usual if inside.sum() >= fewest and usual > 0 else prior
        factors.append(min(max(own, 1.0), prior))
    wider: Values = np.array(factors)[buckets]
    return wider


def _at_most(far: Values) -> float:
    """Return the median, of fewer than 20 values the one half a standard error (in ranks, binomial) above it."""
    count = len(far)
    rank = (count - 1) / 2 + (UNSURE * math.sqrt(count) / 2 if count < LEAST_OF_A_LENGTH else 0.0)
    return float(np.quantile(far, min(rank / (count - 1), 1.0)))
