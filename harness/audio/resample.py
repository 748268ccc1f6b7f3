"""Change of sampling rate."""

from __future__ import annotations

from math import gcd

import numpy as np

from harness.core.records import Samples


def resample(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """Return the samples at ``target_rate``, float32, shape (ceil(n * target / source),).

    Polyphase filter with a Kaiser window (``scipy.signal.resample_poly``). Samples must be finite: a NaN would spread
    over the filter's length. Raises ValueError for rates below 1.
    """
    if source_rate < 1 or target_rate < 1:
        raise ValueError(f"rates must be positive, not {source_rate} and {target_rate}")
    if source_rate == target_rate or len(samples) == 0:
        return np.asarray(samples, np.float32)
    from scipy.signal import resample_poly

    common = gcd(source_rate, target_rate)
    return np.asarray(resample_poly(samples, target_rate // common, source_rate // common), np.float32)
