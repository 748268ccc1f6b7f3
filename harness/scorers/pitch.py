"""The pitch scorer: fundamental frequency, voicing and harmonicity."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from harness.core.records import Samples
from harness.core.records.payloads import PitchPayload
from harness.scorers.base import Clip
from harness.scorers.clip import SPEECH_RATE, SharedClip, significant

STEP = 0.010  # s between frames
LOWEST, HIGHEST = 60.0, 500.0  # Hz
WINDOW = 0.045  # s; holds three periods of most voices
VOICED = 0.45  # least normalised autocorrelation of a voiced frame (Boersma 1993)
OCTAVE = 0.1  # of autocorrelation; what repeats better by so much at half the pitch is an octave lower
LEAST_FRAMES = 5
LEAST_ACTIVE = 20  # frames of a half, to tell how far its sound repeats
OF_ACTIVE = 0.7  # quantile: in speech about half of the active frames are voiced
FAINT = 1e-3  # least autocorrelation that is told

Values = NDArray[np.float64]


class PitchScorer:
    """F0 by DIO and StoneMask (Morise et al. 2009, 2016; pyworld) on a 16 kHz copy; harmonics-to-noise after Boersma.

    Frames every 10 ms. A frame is voiced where DIO finds a pitch between 60 and 500 Hz, speech is active, and the
    autocorrelation at the pitch period is at least 0.45: DIO alone finds pitch in noise. Where the sound repeats much
    better at half of DIO's pitch, that is the pitch: DIO puts a voice without its fundamental, as a high-pass leaves
    it, an octave too high, where hardly anything repeats and nothing would count as voiced. F0 in Hz (median, 5th and
    95th percentile), ``voiced_fraction`` of the active frames, ``harmonicity_db`` the median of
    10 log10(r / (1 - r)) (Boersma 1993), whole and per half of the clip. None with fewer than 5 voiced frames.

    ``periodicity_db_halves`` asks no pitch tracker, so that what has become rough does not drop out: in each half the
    70th percentile, over all active frames, of the same figure at the strongest peak of the autocorrelation between
    60 and 500 Hz. None with fewer than 20 active frames.
    """

    name = "pitch"
    version = "3"  # 2: periodicity_db_halves; 3: DIO's octave errors
    room = "analysis"
    needs = frozenset({"audio"})

    def setup(self) -> None:
        """Import what the first clip would otherwise wait for."""
        _pyworld()
        import scipy.signal  # noqa: F401

    def observe(self, clip: Clip) -> PitchPayload:
        """Return the payload. Raises ValueError without audio or sampling rate."""
        shared = SharedClip.of(clip)
        active = int(shared.activity.active.sum())
        if not active:
            return _payload(np.zeros(0), np.zeros(0), np.zeros(0), 0, 0.0) | {"periodicity_db_halves": [None, None]}
        times, f0 = _pitch(shared.speech_copy)
        inside = shared.activity.at(times)
        times, f0 = times[inside], f0[inside]
        normal = _autocorrelation(shared.speech_copy, times)
        duration = len(shared.raw) / shared.rate
        f0, match = _without_octaves(normal, f0)
        voiced = match >= VOICED
        payload = _payload(times[voiced], f0[voiced], match[voiced], active, duration)
        return payload | {"periodicity_db_halves": _periodicity(times, _strongest(normal), duration)}


def _pyworld() -> ModuleType:
    with warnings.catch_warnings():  # it imports pkg_resources, which warns every user of its own removal
        warnings.simplefilter("ignore")
        return importlib.import_module("pyworld")


def _pitch(sound: Samples) -> tuple[Values, Values]:
    """Return times in seconds and F0 in Hz (0: none) of each frame, each of shape (frames,)."""
    pyworld = _pyworld()
    least = round(4 * SPEECH_RATE / LOWEST)  # DIO reads beyond the end of shorter sound
    wide = np.pad(sound, (0, max(0, least - len(sound)))).astype(np.float64)
    peak = float(np.abs(wide).max())
    if peak > 0:
        wide /= peak
    rough, times = pyworld.dio(wide, SPEECH_RATE, f0_floor=LOWEST, f0_ceil=HIGHEST, frame_period=STEP * 1000, speed=2)
    return times, pyworld.stonemask(wide, rough, times, SPEECH_RATE)


def _autocorrelation(sound: Samples, times: Values) -> NDArray[np.float32]:
    """Return the autocorrelation of each frame, divided by the window's own, shape (frames, lags)."""
    width = round(WINDOW * SPEECH_RATE)
    if not len(times):
        return np.zeros((0, width), np.float32)
    from scipy.fft import irfft, rfft

    size = 2048  # more than twice the window: no lag wraps round
    window = np.hanning(width + 2)[1:-1].astype(np.float32)
    padded = np.pad(sound, (width // 2, width))
    begins = np.minimum((times * SPEECH_RATE).astype(np.int64), len(padded) - width)
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[begins]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    bins = rfft(frames, size, axis=1)
    power = irfft(bins.real**2 + bins.imag**2, size, axis=1)[:, :width]
    own = irfft(np.abs(rfft(window, size)) ** 2, size)[:width]
    normal: NDArray[np.float32] = power / np.maximum(power[:, :1], 1e-20) * (own[0] / np.maximum(own, 1e-3 * own[0]))
    return normal


def _without_octaves(normal: NDArray[np.float32], f0: Values) -> tuple[Values, Values]:
    """Return F0 in Hz, of frames that are an octave too high half of it, and how well each frame repeats there."""
    match, lower = (_match(normal, pitch) for pitch in (f0, f0 / 2))
    wrong = lower > match + OCTAVE
    return np.where(wrong, f0 / 2, f0), np.where(wrong, lower, match)


def _match(normal: NDArray[np.float32], f0: Values) -> Values:
    """Return the autocorrelation at the period of ``f0`` (Hz), shape (frames,); 0 outside of 60 to 500 Hz."""
    kept = (f0 >= LOWEST) & (f0 <= HIGHEST)
    match = np.zeros(len(f0))
    match[kept] = _at_pitch(normal[kept], f0[kept])
    return match


def _at_pitch(normal: NDArray[np.float32], f0: Values) -> Values:
    """Return the autocorrelation near the pitch period, shape (frames,), within [0, 1)."""
    if not len(f0):
        return np.zeros(0)
    reach = np.arange(-3, 4)
    lags = np.clip(np.round(SPEECH_RATE / f0).astype(np.int64)[:, None] + reach, 1, normal.shape[1] * 3 // 4)
    near = np.take_along_axis(normal, lags, axis=1)
    match: Values = np.clip(_peak(near), 0, 1 - 1e-6)
    return match


def _strongest(normal: NDArray[np.float32]) -> Values:
    """Return the height of the strongest peak between 60 and 500 Hz, shape (frames,), within [0, 1)."""
    first, last = int(SPEECH_RATE / HIGHEST), int(SPEECH_RATE / LOWEST)
    left, middle, right = (normal[:, first + shift : last + shift] for shift in (-1, 0, 1))
    peaks = np.where((middle >= left) & (middle >= right), middle, 0.0)
    strongest: Values = np.clip(peaks.max(axis=1, initial=0.0).astype(np.float64), FAINT, 1 - 1e-6)
    return strongest


def _periodicity(times: Values, strength: Values, duration: float) -> list[float | None]:
    decibels = 10 * np.log10(strength / (1 - strength))
    halves = (decibels[times < duration / 2], decibels[times >= duration / 2])
    return [significant(float(np.quantile(half, OF_ACTIVE))) if len(half) >= LEAST_ACTIVE else None for half in halves]


def _peak(near: NDArray[np.generic]) -> Values:
    """Return the height of the parabola through the largest of each row's values and its neighbours."""
    at = np.clip(near.argmax(axis=1), 1, near.shape[1] - 2)
    rows = np.arange(len(near))
    left, middle, right = (near[rows, at + shift].astype(np.float64) for shift in (-1, 0, 1))
    bend = left - 2 * middle + right
    lift = np.where(bend < -1e-9, -((left - right) ** 2) / (8 * np.where(bend < -1e-9, bend, -1)), 0)
    return np.asarray(
        np.where((middle >= left) & (middle >= right), middle + lift, np.maximum(middle, np.maximum(left, right)))
    )


def _payload(times: Values, f0: Values, match: Values, active: int, duration: float) -> PitchPayload:
    enough = len(f0) >= LEAST_FRAMES
    low, median, high = (float(v) for v in np.percentile(f0, [5, 50, 95])) if enough else (None, None, None)
    decibels = 10 * np.log10(match / (1 - match))
    halves = [decibels[times < duration / 2], decibels[times >= duration / 2]]
    return {
        "f0_median_hz": significant(median),
        "f0_p05_hz": significant(low),
        "f0_p95_hz": significant(high),
        "voiced_fraction": significant(min(1.0, len(f0) / active)) if active else None,
        "voiced_seconds": significant(len(f0) * STEP),
        "harmonicity_db": _median(decibels),
        "harmonicity_db_halves": [_median(half) for half in halves],
    }


def _median(values: Values) -> float | None:
    return significant(float(np.median(values))) if len(values) >= LEAST_FRAMES else None
