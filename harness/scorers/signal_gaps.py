"""Short holes in running speech: the level falls by 20 dB within some milliseconds and comes back as fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.scorers.clip import SharedClip, significant
from harness.scorers.regular import regular

HOP = 0.0025  # s
SIDE = 8  # hops on either side whose louder half is the level that a hole lies in: 20 ms
EDGE = 3  # hops that a fall or a rise may take
SHORTEST, LONGEST = 2, 24  # hops
DEPTH, BOTTOM = 20.0, 30.0  # dB below the sides: where a hole begins, and what it must reach
LOUD = 15.0  # dB below the level of speech that the sides may lie
STEEP = 8.0  # dB below the sides just before and behind the edges
PULSE = 2  # hops, the louder of which tells: between its pulses a low voice is as faint as on the way into a hole
TOLERANCE, FASTEST, SLOWEST = 0.005, 0.08, 2.0  # s, of the comb
SHOWN = 60

Levels = NDArray[np.float64]


def gap_figures(clip: SharedClip) -> dict[str, object]:
    """Return ``holes``: their ``count``, ``times`` (s), and the comb that most of them lie on, if any.

    ``regular``: {``period``, ``hits``, ``times``} of holes at one distance, None where fewer than three keep time.
    Stop consonants are holes, too (up to two a second in synthetic voices); they do not keep time.
    """
    hop = max(1, round(HOP * clip.rate))
    count = len(clip.sound) // hop
    active = clip.energy[clip.activity.active]
    if count < 4 * (SIDE + EDGE) or not len(active):
        return {"holes": {"count": 0, "times": [], "regular": None}}
    frames = clip.sound[: count * hop].reshape(count, hop).astype(np.float64)
    levels = 10 * np.log10(np.maximum((frames**2).mean(axis=1), 1e-10))
    speech = 10 * float(np.log10(max(float(active.mean()), 1e-12)))
    times = [at * hop / clip.rate for at in _holes(levels, speech - LOUD)]
    comb = regular(times, TOLERANCE, FASTEST, SLOWEST)
    kept = (
        None if comb is None else {"period": significant(comb.period), "hits": comb.hits, "times": _shown(comb.times)}
    )
    return {"holes": {"count": len(times), "times": _shown(times), "regular": kept}}


def _shown(times: list[float] | tuple[float, ...]) -> list[float | None]:
    return [significant(at) for at in times[:SHOWN]]


def _louder_half(levels: Levels) -> Levels:
    """Return for each hop the mean level of the louder half of the ``SIDE`` hops from it on."""
    windows = np.lib.stride_tricks.sliding_window_view(levels, SIDE)
    return np.asarray(np.sort(windows, axis=1)[:, SIDE // 2 :].mean(axis=1))


def _holes(levels: Levels, least: float) -> list[float]:
    """Return the middles of all holes, in hops."""
    sides = _louder_half(levels)
    times: list[float] = []
    end = 0
    for start in range(SIDE + EDGE, len(levels) - SIDE - EDGE):
        before = float(sides[start - EDGE - SIDE])
        limit = before - DEPTH
        if start < end or before < least or levels[start] >= limit or levels[start - 1] < limit:
            continue
        end = start
        while end < len(levels) and levels[end] < limit and end - start <= LONGEST:
            end += 1
        if SHORTEST <= end - start <= LONGEST and end + EDGE + SIDE <= len(levels):
            after = float(sides[end + EDGE])
            deep = levels[start:end].min() < min(before, after) - BOTTOM
            falls, rises = levels[start - EDGE - PULSE : start - EDGE], levels[end + EDGE : end + EDGE + PULSE]
            steep = falls.max() > before - STEEP and rises.max() > after - STEEP
            if after >= least and deep and steep:
                times.append((start + end) / 2)
    return times
