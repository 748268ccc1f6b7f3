"""Exact short repeats: a decoder that emits the same few samples again and again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.core.records import Samples
from harness.scorers.clip import SharedClip, significant

SHORT = 16  # samples; up to here a difference over 8 ms says enough
SHORT_FRAME = 0.008  # s
LONG = 512  # samples; longest period looked for
WIDER = 10.0  # frames within this factor of the nearest one belong to its span
LEAST = 1e-3  # and so do all below this residual

Values = NDArray[np.float64]


def repeat_figures(clip: SharedClip) -> dict[str, object]:
    """Return ``periodic``: the speech frames that come nearest to an exact repeat of P samples, P = 2..512.

    ``ratio`` is the cumulative-mean-normalised difference of YIN (de Cheveigne & Kawahara 2002, eq. 8): the energy of
    x[n] - x[n-P] over a frame, divided by its mean over all lags up to P. The mean is what keeps smooth sound, in
    which neighbouring samples hardly differ, from passing for a repeat. Lags to 16 are taken over 8 ms; longer ones
    over 43 ms and more, since single periods of a steady vowel match well and several do not. Exact repeats give 1e-6
    and less, healthy voices 3e-3 and more; formant synthesis with a steady voice source may come down to 6e-4.
    """
    if not clip.activity.active.any():
        return {"periodic": {"ratio": None, "period": None, "seconds": None, "span": None}}
    repeats = [one for one in (_short(clip), _long(clip)) if one is not None]
    if not repeats:
        return {"periodic": {"ratio": None, "period": None, "seconds": None, "span": None}}
    best = min(repeats, key=lambda one: one[0])
    ratio, period, seconds, start, end = best
    span = [significant(start), significant(end)]
    return {
        "periodic": {"ratio": significant(ratio, 3), "period": period, "seconds": significant(seconds), "span": span}
    }


Found = tuple[float, int, float, float, float]  # ratio, period, seconds, start, end


def _short(clip: SharedClip) -> Found | None:
    sound, rate = clip.sound, clip.rate
    width = max(64, round(SHORT_FRAME * rate))
    count = (len(sound) - SHORT) // width
    if count < 1:
        return None
    body = sound[SHORT : SHORT + count * width].reshape(count, width)
    energy = np.einsum("ij,ij->i", body, body, dtype=np.float64)
    differences = np.empty((SHORT, count))
    for lag in range(1, SHORT + 1):
        step = body - sound[SHORT - lag : SHORT - lag + count * width].reshape(count, width)
        differences[lag - 1] = np.einsum("ij,ij->i", step, step)
    starts = (np.arange(count) * width + SHORT) / rate
    active = clip.activity.at(starts + width / 2 / rate) & (energy > width * 1e-8)
    normal = _normalised(differences.T[active])[:, 1:]
    return _nearest(normal, 2, starts[active], width / rate, (width + SHORT) / rate)


def _long(clip: SharedClip) -> Found | None:
    from scipy.fft import irfft, next_fast_len, rfft

    sound, rate = clip.sound, clip.rate
    width = max(1024, 2 ** round(np.log2(0.043 * rate)))
    step, length = width // 2, width + LONG
    if len(sound) < length:
        return None
    starts = np.arange(0, len(sound) - length + 1, step)
    active = clip.activity.at((starts + LONG) / rate) & clip.activity.at((starts + length - 1) / rate)
    starts = starts[active & clip.activity.at((starts + LONG + width / 2) / rate)]
    if not len(starts):
        return None
    frames = np.lib.stride_tricks.sliding_window_view(sound, length)[starts]
    squares = np.concatenate(([0.0], np.cumsum(np.square(sound, dtype=np.float64))))
    size = next_fast_len(length, real=True)
    late = frames.copy()
    late[:, :LONG] = 0
    product = rfft(late, size, axis=1)
    product *= np.conj(rfft(frames, size, axis=1))
    match = irfft(product, size, axis=1)[:, 1 : LONG + 1]
    begins = starts[:, None] + LONG - np.arange(LONG + 1)[None, :]
    energies = squares[begins + width] - squares[begins]
    differences = np.maximum(energies[:, :1] + energies[:, 1:] - 2 * match, 0)
    normal = _normalised(differences)[:, SHORT:]
    _refine(normal, differences, sound, starts + LONG, width)
    return _nearest(normal, SHORT + 1, starts / rate, step / rate, length / rate)


def _refine(normal: Values, differences: Values, sound: Samples, bodies: NDArray[np.int64], width: int) -> None:
    """Take the lowest lag of each promising frame again in double precision: transforms leave errors of 1e-6."""
    lowest = normal.argmin(axis=1)
    for row in np.flatnonzero(normal[np.arange(len(normal)), lowest] < 1e-2):
        lag = int(lowest[row]) + SHORT + 1
        begin = int(bodies[row])
        exact = sound[begin : begin + width].astype(np.float64) - sound[begin - lag : begin - lag + width]
        mean = max(float(differences[row, :lag].mean()), 1e-20)
        normal[row, lowest[row]] = float(exact @ exact) / mean


def _normalised(differences: Values) -> Values:
    """Return differences (frames, lags from 1) divided by their mean over all lags up to their own, same shape."""
    means = np.cumsum(differences, axis=1)
    means /= np.arange(1, differences.shape[1] + 1)
    normal = differences / np.maximum(means, 1e-20, out=means)
    normal[differences[:, 0] <= 1e-12] = 1.0  # a flat line repeats at every lag, and is reported as constant
    return normal


def _nearest(normal: Values, first_lag: int, starts: Values, step: float, length: float) -> Found | None:
    """Find the frames nearest to a repeat in normalised differences from ``first_lag`` on, shape (frames, lags)."""
    if not len(normal):
        return None
    ratios = normal.min(axis=1)
    at = int(ratios.argmin())
    near = ratios <= max(WIDER * float(ratios[at]), LEAST)
    first = last = at
    while first > 0 and near[first - 1] and starts[first] - starts[first - 1] < 1.5 * step:
        first -= 1
    while last + 1 < len(near) and near[last + 1] and starts[last + 1] - starts[last] < 1.5 * step:
        last += 1
    ratio, period = float(ratios[at]), int(normal[at].argmin()) + first_lag
    seconds = float((near.sum() - 1) * step + length) if near.sum() > 1 else length
    return ratio, period, seconds, float(starts[first]), float(starts[last] + length)
