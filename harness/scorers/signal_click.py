"""Clicks: single steps that the sound around them cannot explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.scorers.clip import SharedClip, level_dbfs, significant
from harness.scorers.regular import regular

BLOCK = 0.005  # s
AROUND = 3  # blocks on either side
ORDER = 3  # of the difference: speech falls off towards high frequencies, a wrong sample does not
OWN = ORDER + 2  # the largest difference of a block that is not the click's own: a wrong sample makes four
RATIO = 4.5  # times the differences around it that make a click; synthetic speech reaches 4.3
AUDIBLE = 10 ** (-54 / 20)  # of full scale
SHOWN = 20  # times listed at most
WEAK = 2.5  # times the differences around it that count where seams keep time
TOLERANCE, FASTEST, SLOWEST = 0.0015, 0.05, 5.0  # s, of seams at a regular distance
MOST_SEAMS = 200

Steps = NDArray[np.floating]


def click_figures(clip: SharedClip) -> dict[str, object]:
    """Return ``clicks``: steps that stand out from the sound around them more than 4.5 times, and above -54 dBFS.

    Looked at is the third difference, scaled so that a single wrong sample counts about as its step: speech is weak at
    high frequencies, where all of a click is. What stands around it is the fifth largest difference of the same 5 ms
    (a wrong sample makes four), or the second largest among the largest of the three blocks on either side, whichever
    is more: pulses of a voice come again within 15 ms or spread over several samples, a wrong sample does neither.
    ``worst_ratio`` is also given below 4.5, of audible steps only; ``worst_dbfs`` is the size of that step. After
    audio.cpp issues 361 and 429 (twice the slew, -54 dBFS); at twice, half of all healthy clips would count, so the
    ratio is best set against the voice's own. ``seams``: {``period``, ``hits``, ``times``} of steps above 2.5 times
    that keep time, with every place of the clip where one is due; None where fewer than three do.
    """
    steps = np.abs(np.diff(clip.sound, n=ORDER)) / 2 ** (ORDER - 1)
    if clip.finite_mask is not None and len(steps):
        steps[~np.lib.stride_tricks.sliding_window_view(clip.finite_mask, ORDER + 1).all(axis=1)] = 0
    width = max(16, round(BLOCK * clip.rate))
    count = len(steps) // width
    if count < 2 * AROUND + 1:
        return {"clicks": {"count": None, "worst_ratio": None, "worst_dbfs": None, "times": [], "seams": None}}
    blocks = steps[: count * width].reshape(count, width)
    largest, places = blocks.max(axis=1), blocks.argmax(axis=1)
    audible = largest > AUDIBLE
    ratios = np.where(audible, largest / np.maximum(_slew(blocks, largest), AUDIBLE / 4), 0.0)
    steps = np.flatnonzero(ratios > RATIO)
    where = steps * width + places[steps] + ORDER // 2 + 1
    where = where[np.diff(where, prepend=-width) >= width // 2]  # one wrong sample on the border of two blocks
    worst = int(ratios.argmax())
    weak = [(at * width + places[at]) / clip.rate for at in np.flatnonzero(ratios > WEAK)]
    return {
        "clicks": {
            "count": len(where),
            "worst_ratio": significant(float(ratios[worst])) if audible.any() else None,
            "worst_dbfs": significant(level_dbfs(float(largest[worst]))) if audible.any() else None,
            "times": [significant(at / clip.rate) for at in where[:SHOWN].tolist()],
            "seams": _seams(weak, len(clip.sound) / clip.rate),
        }
    }


def _slew(blocks: Steps, largest: Steps) -> Steps:
    """Return what stands around the largest difference of each block, shape (blocks,)."""
    count = len(blocks)
    own = np.partition(blocks, -OWN, axis=1)[:, -OWN]
    padded = np.pad(largest, AROUND, mode="reflect")
    near = np.stack([padded[shift : shift + count] for shift in range(2 * AROUND + 1) if shift != AROUND])
    return np.asarray(np.maximum(own, np.partition(near, -2, axis=0)[-2]))


def _seams(times: Sequence[float], seconds: float) -> dict[str, object] | None:
    comb = regular(times, TOLERANCE, FASTEST, SLOWEST, seconds)
    if comb is None:
        return None
    return {"period": significant(comb.period), "hits": comb.hits, "times": _shown(comb.times)}


def _shown(times: Sequence[float]) -> list[float | None]:
    return [significant(at) for at in times[:MOST_SEAMS]]
