"""The clip with its costly views, each computed when first asked for and then shared by all scorers of the room."""

from __future__ import annotations

from functools import cached_property
from math import isfinite, log10
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.audio import resample
from harness.core.records import Samples
from harness.scorers.activity import Activity, find_activity, frame_energy
from harness.scorers.base import Clip

if TYPE_CHECKING:
    from harness.scorers.transcript import Transcript

FLOOR_DBFS = -120.0
"""What stands for digital silence and anything below it: a level that is known, and has no finite logarithm."""

SPEECH_RATE = 16_000  # Hz, of the copy that pitch is taken from
LOUDEST = 1e4  # samples beyond 80 dB over full scale would overflow float32 powers


def significant(value: float | None, digits: int = 6) -> float | None:
    """Return the value with so many significant digits for a payload; None where it is not finite."""
    return None if value is None or not isfinite(value) else float(f"{value:.{digits}g}")


def level_dbfs(rms: float) -> float:
    """Return a root mean square (or peak) as dBFS, full scale 1.0, not below ``FLOOR_DBFS``."""
    return max(FLOOR_DBFS, 20 * log10(rms)) if rms > 0 else FLOOR_DBFS


class SharedClip(Clip):
    """A clip whose views are computed once. All of them need samples: ask only where ``samples`` is not None."""

    @classmethod
    def of(cls, clip: Clip) -> SharedClip:
        """Return the clip itself if it is shared already, else a shared one of the same content."""
        if isinstance(clip, cls):
            return clip
        kept = (clip.chunk, clip.attempt, clip.samples, clip.sample_rate, clip.variant, clip.layout)
        return cls(*kept, voice_embeddings=clip.voice_embeddings)

    @property
    def raw(self) -> Samples:
        """Return samples as the backend gave them. Raises ValueError without audio."""
        if self.samples is None or len(self.samples) == 0:
            raise ValueError("no audio")
        return self.samples

    @property
    def rate(self) -> int:
        """Return samples a second. Raises ValueError where unknown."""
        if not self.sample_rate:
            raise ValueError("sampling rate unknown")
        return self.sample_rate

    @cached_property
    def finite_mask(self) -> NDArray[np.bool_] | None:
        """Return which samples are finite, shape (n,); None where all are."""
        mask = np.isfinite(self.raw)
        return None if bool(mask.all()) else mask

    @cached_property
    def sound(self) -> Samples:
        """Return samples fit for arithmetic, shape (n,): gaps of NaN and Inf bridged by straight lines, within +-1e4.

        Straight lines keep the gap itself from being heard as clicks; it is reported as what it is elsewhere.
        """
        samples, mask = self.raw, self.finite_mask
        if mask is not None:
            if not mask.any():
                return np.zeros_like(samples)
            places = np.arange(len(samples))
            samples = np.interp(places, places[mask], samples[mask]).astype(np.float32)
        return np.clip(samples, -LOUDEST, LOUDEST)

    @cached_property
    def energy(self) -> NDArray[np.float64]:
        """Return the mean square of each 10 ms frame, shape (frames,); at least one frame."""
        return frame_energy(self.sound, self.rate)

    @cached_property
    def activity(self) -> Activity:
        """Return where speech is, in 10 ms frames."""
        return find_activity(self.energy)

    @cached_property
    def spectrum(self) -> Spectrum:
        """Return the one short-time Fourier transform that every spectral figure is taken from."""
        return Spectrum.of(self.sound, self.rate, self.activity)

    @cached_property
    def transcripts(self) -> dict[str, Transcript]:
        """Return what each recognizer heard, by its spec (harness.scorers.asr fills it)."""
        return {}

    @cached_property
    def speech_copy(self) -> Samples:
        """Return the sound at 16 kHz, shape (m,), float32."""
        return resample(self.sound, self.rate, SPEECH_RATE)


class Spectrum:
    """Power of windowed frames. ``power``: float32, shape (frames, bins); ``frequencies``: Hz, shape (bins,)."""

    def __init__(self, power: NDArray[np.float32], frequencies: NDArray[np.float64], active: NDArray[np.bool_]) -> None:
        self.power = power
        self.frequencies = frequencies
        self.active = active  # shape (frames,): frames whose middle lies in speech

    @classmethod
    def of(cls, sound: Samples, rate: int, activity: Activity) -> Spectrum:
        """Transform Hann windows of about 43 ms (a power of two) at steps of half a window."""
        from scipy.fft import rfft

        size = max(64, 2 ** round(np.log2(0.043 * rate)))
        step = size // 2
        if len(sound) < size:
            sound = np.pad(sound, (0, size - len(sound)))
        frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::step]
        window = np.hanning(size + 1)[:-1].astype(np.float32)
        bins = rfft(frames * window, axis=1)
        power = bins.real**2 + bins.imag**2
        middles = (np.arange(len(frames)) * step + step) / rate
        return cls(power, np.asarray(np.fft.rfftfreq(size, 1 / rate), np.float64), activity.at(middles))

    @cached_property
    def speech_power(self) -> NDArray[np.float32]:
        """Return the power of the frames in speech, shape (k, bins); k may be 0."""
        return self.power[self.active]
