"""Events at a regular distance: seams of decoded windows, dropped packets. No voice keeps time to milliseconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DIVISORS = (1, 2, 3, 4)  # events between two that were seen, less one
_MOST = 60  # events looked at


@dataclass(frozen=True, slots=True)
class Comb:
    """Events every ``period`` seconds; ``hits`` of those given lie on it, ``times`` are all its places in between.

    ``surprise``: log-likelihood ratio (nats) of so many hits against what chance puts there.
    """

    period: float
    hits: int
    times: tuple[float, ...]
    surprise: float


def regular(
    times: Sequence[float], tolerance: float, shortest: float, longest: float, until: float | None = None
) -> Comb | None:
    """Return the comb that holds most of the events (s), None where fewer than three lie on one.

    ``tolerance``: s off a tooth; ``shortest`` and ``longest``: periods looked at, s. A comb must hold events on two
    teeth in a row, and four times as many events as chance puts there. Returned is the one that chance explains least,
    not the one with most events: a comb three times as fast has all of a comb's events and more by chance. Of equal
    combs it is the slowest.
    Its places lie between the first and the last event on it, or, with ``until``, between 0 and that time.
    """
    given = np.sort(np.asarray(times[:_MOST], np.float64))
    if len(given) < 3:
        return None
    gaps = np.diff(given)
    periods = {round(float(gap / k), 5) for gap in gaps for k in _DIVISORS if shortest <= gap / k <= longest}
    best: Comb | None = None
    for period in sorted(periods, reverse=True):
        for phase in given:
            comb = _on(given, float(phase), period, tolerance, until)
            if comb is not None and (best is None or comb.surprise > best.surprise):
                best = comb
    return best


def _on(given: NDArray[np.float64], phase: float, period: float, tolerance: float, until: float | None) -> Comb | None:
    teeth = np.round((given - phase) / period)
    near = np.abs(given - phase - teeth * period) <= tolerance
    if near.sum() < 3:
        return None
    hit, at = np.unique(teeth[near]), given[near]
    chance = len(given) * 2 * tolerance / period
    if len(hit) < max(3.0, 4 * chance) or np.diff(hit).min() > 1:
        return None
    slope, start = np.polyfit(teeth[near], at, 1)
    first, last = int(hit[0]), int(hit[-1])
    if until is not None and slope > 0:
        first, last = min(first, int(np.ceil(-start / slope - 1e-6))), max(last, int((until - start) / slope + 1e-6))
    every = np.arange(first, last + 1)
    surprise = len(hit) * math.log(len(hit) / chance)
    return Comb(float(slope), len(hit), tuple(float(start + slope * tooth) for tooth in every), surprise)
