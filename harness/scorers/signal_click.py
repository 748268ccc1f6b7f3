"""Clicks: single steps that the sound around them cannot explain."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.scorers.clip import SharedClip, figure, level

BLOCK = 0.005  # s
AROUND = 3  # blocks on either side
RATIO = 2.0  # times the local slew that make a click
AUDIBLE = 10 ** (-54 / 20)  # of full scale
SHOWN = 20  # times listed at most


def click_figures(clip: SharedClip) -> dict[str, Any]:
    """Return ``clicks``: steps between two samples of more than twice the local slew and above -54 dBFS.

    The local slew is the second largest step of the same 5 ms, or the second largest among the largest steps of the
    three blocks on either side, whichever is more: pulses of a voice come again within 15 ms or spread over several
    samples, a lost or repeated sample does neither. ``worst_ratio`` is also given below 2, of audible steps only;
    ``worst_dbfs`` is the size of that step. Thresholds: audio.cpp issues 361 and 429.
    """
    steps = np.abs(np.diff(clip.sound))
    if clip.finite_mask is not None:
        steps[~(clip.finite_mask[1:] & clip.finite_mask[:-1])] = 0
    width = max(16, round(BLOCK * clip.rate))
    count = len(steps) // width
    if count < 2 * AROUND + 1:
        return {"clicks": {"count": None, "worst_ratio": None, "worst_dbfs": None, "times": []}}
    blocks = steps[: count * width].reshape(count, width)
    largest = blocks.max(axis=1)
    places = blocks.argmax(axis=1)
    rest = blocks.copy()
    rest[np.arange(count), places] = 0
    padded = np.pad(largest, AROUND, mode="reflect")
    near = np.stack([padded[shift : shift + count] for shift in range(2 * AROUND + 1) if shift != AROUND])
    slew = np.maximum(rest.max(axis=1), np.partition(near, -2, axis=0)[-2])
    audible = largest > AUDIBLE
    ratios = np.where(audible, largest / np.maximum(slew, AUDIBLE / 4), 0.0)
    found = np.flatnonzero(ratios > RATIO)
    worst = int(ratios.argmax())
    return {
        "clicks": {
            "count": len(found),
            "worst_ratio": figure(float(ratios[worst])) if audible.any() else None,
            "worst_dbfs": figure(level(float(largest[worst]))) if audible.any() else None,
            "times": [figure((at * width + int(places[at]) + 1) / clip.rate) for at in found[:SHOWN].tolist()],
        }
    }
