"""Shape of the spectrum of speech frames: flatness, centroid, bandwidth."""

from __future__ import annotations

import numpy as np

from harness.scorers.clip import SharedClip, significant

LEAST_FRAMES = 3


def spectrum_figures(clip: SharedClip) -> dict[str, object]:
    """Return flatness, centroid and 99% rolloff of the frames in speech, None with fewer than three such frames.

    ``flatness``: median over frames of geometric / arithmetic mean of the power spectrum (Johnston 1988), framed,
    since that of a whole clip depends on its length. ``centroid_hz`` and ``rolloff99_hz``: of the mean spectrum in
    which every frame weighs the same, so that the bandwidth of s and f counts beside the energy of vowels.
    """
    power = clip.spectrum.speech_power
    totals = power.sum(axis=1, dtype=np.float64)
    power = power[totals > 1e-12]
    if len(power) < LEAST_FRAMES:
        return {"flatness": None, "centroid_hz": None, "rolloff99_hz": None}
    power = power[:, 1:]  # the offset is reported as such
    means = power.mean(axis=1, keepdims=True)
    normal = power / np.maximum(means, 1e-30)
    flatness = np.exp(np.mean(np.log(np.maximum(normal, 1e-20)), axis=1))
    shape = normal.mean(axis=0, dtype=np.float64)
    total = max(float(shape.sum()), 1e-30)
    frequencies = clip.spectrum.frequencies[1:]
    rolloff = int(np.searchsorted(np.cumsum(shape), 0.99 * total))
    return {
        "flatness": significant(float(np.median(flatness))),
        "centroid_hz": significant(float((shape * frequencies).sum() / total)),
        "rolloff99_hz": significant(float(frequencies[min(rolloff, len(frequencies) - 1)])),
    }
