"""Augmentation of log-mel frames: level, colour, noise, pitch, tempo, and sounds in which nothing is said."""

from __future__ import annotations

import math

import numpy as np

from tools.recognizer.bank import MELS, log_mel

RATE = 16_000
BANK_SECONDS = 40
PLACES = np.linspace(0, 1, MELS)


class Augmenter:
    """Draws from ``rng``; keeps a bank of noises as un-normalized log-mels."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._noises = [log_mel(wave).astype(np.float32) for wave in _noise_waves(np.random.default_rng(5))]

    def noise(self, frames: int, shape: np.ndarray | None = None) -> np.ndarray:
        """Noise of a random colour, or with the mean spectrum ``shape`` (80 log10 values) and moving level."""
        rng = self._rng
        bank = self._noises[int(rng.integers(len(self._noises) if shape is None else 3))]
        mel = np.take(bank, np.arange(frames) + int(rng.integers(len(bank))), axis=0, mode="wrap")
        if shape is None:
            return mel + self._colour(0.8)
        mel = mel - mel.mean(0) + shape
        if rng.random() < 0.6:
            knots = rng.normal(0, 0.7, frames // int(rng.integers(10, 40)) + 2)
            mel = mel + np.interp(np.arange(frames), np.linspace(0, frames, len(knots)), knots)[:, None]
        return mel.astype(np.float32)

    def finish(self, mel: np.ndarray, strength: float) -> np.ndarray:
        """Silence filled in, disturbed by ``strength`` (0 to 1), normalized as Whisper does."""
        rng = self._rng
        silent = mel[:, 0] < -50
        x = mel.copy()
        if silent.all():
            x[:] = -10.0
        else:
            x[silent] = x[~silent].min() if rng.random() < 0.5 else -10.0
        if rng.random() < 0.4 * strength:
            x = _warped(x, float(rng.uniform(0.9, 1.11)))
        if rng.random() < 0.6 * strength:
            x = x + self._colour(0.3)
        if rng.random() < 0.45 * strength or (silent.any() and rng.random() < 0.2):
            x = self._with_noise(x)
        if rng.random() < 0.1:
            x = x + rng.uniform(-3, 1)
        x = np.maximum(x, max(x.max() - 8.0, -10.0))
        x = (x + 4.0) / 4.0
        return self._masked(x) if rng.random() < 0.5 * strength else x

    def _with_noise(self, x: np.ndarray) -> np.ndarray:
        noise = self.noise(len(x))
        below = self._rng.uniform(0.8, 5.0)
        noise = noise - math.log10(np.mean(10.0**noise)) + math.log10(np.mean(10.0**x)) - below
        return (np.logaddexp(x * math.log(10), noise * math.log(10)) / math.log(10)).astype(np.float32)

    def _colour(self, amount: float) -> np.ndarray:
        rng = self._rng
        waves = [
            rng.normal(0, amount / (k + 1)) * np.cos(math.pi * k * PLACES + rng.uniform(0, 6.28)) for k in (1, 2, 3)
        ]
        return (sum(waves) + rng.normal(0, amount) * (PLACES - 0.5)).astype(np.float32)

    def _masked(self, x: np.ndarray) -> np.ndarray:
        rng, mean = self._rng, x.mean()
        for _ in range(int(rng.integers(1, 3))):
            width = int(rng.integers(1, 12))
            first = int(rng.integers(0, MELS - width))
            x[:, first : first + width] = mean
        for _ in range(int(rng.integers(0, 1 + len(x) // 250))):
            width = int(rng.integers(1, 10))
            first = int(rng.integers(0, max(1, len(x) - width)))
            x[first : first + width] = mean
        return x


def stretched(mel: np.ndarray, factor: float) -> np.ndarray:
    """Frames resampled in time; above 1 is faster."""
    places = np.arange(0, len(mel) - 1, factor)
    low = places.astype(int)
    part = (places - low)[:, None].astype(np.float32)
    return mel[low] * (1 - part) + mel[low + 1] * part


def reversed_frames(mel: np.ndarray) -> np.ndarray:
    """Speech backwards."""
    return mel[::-1]


def shuffled(mel: np.ndarray, block: int, rng: np.random.Generator) -> np.ndarray:
    """Blocks of ``block`` frames in random order."""
    count = max(1, len(mel) // block)
    order = rng.permutation(count)
    return np.concatenate([mel[i * block : (i + 1) * block] for i in order])


def _warped(mel: np.ndarray, factor: float) -> np.ndarray:
    places = np.clip(np.arange(MELS) * factor, 0, MELS - 1)
    low = places.astype(int)
    part = (places - low).astype(np.float32)
    return mel[:, low] * (1 - part) + mel[:, np.minimum(low + 1, MELS - 1)] * part


def _noise_waves(rng: np.random.Generator) -> list[np.ndarray]:
    """Noise of three colours, then hum, pulses, tones and clicks; 40 s each."""
    count = RATE * BANK_SECONDS
    time = np.arange(count) / RATE
    waves = []
    for slope in (0.0, 0.5, 1.0):
        spectrum = np.fft.rfft(rng.standard_normal(count))
        coloured = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 50.0) ** slope, count)
        waves.append(coloured / coloured.std() * 0.1)
    hum = sum(np.sin(2 * np.pi * f * time) / (i + 1) for i, f in enumerate((50, 100, 150, 300)))
    waves.append(hum * 0.1 + rng.standard_normal(count) * 0.003)
    pitch = np.repeat(rng.choice([80.0, 120.0, 200.0, 440.0, 1000.0], BANK_SECONDS), RATE)
    waves.append(np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE)) * 0.1)
    melody = np.repeat(rng.uniform(100, 1500, BANK_SECONDS * 4), RATE // 4)
    waves.append(np.sin(2 * np.pi * np.cumsum(melody) / RATE) * 0.2)
    clicks = np.where(rng.random(count) < 6 / RATE, 1.0, 0.0)
    waves.append(np.convolve(clicks, np.exp(-np.arange(400) / 60) * rng.standard_normal(400), "same") * 0.3)
    return [w.astype(np.float32) for w in waves]
