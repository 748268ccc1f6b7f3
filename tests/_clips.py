"""Clips for the tests of the scorers: a voice made of formants, with pauses, so that no recording is needed."""

import numpy as np

from harness.core.records import Attempt, Chunk, Variant
from harness.scorers.clip import SharedClip


def make_clip(samples, rate=24000, layout=None, **attempt):
    """Wrap samples (or None) as scorers get them."""
    heard = None if samples is None else np.asarray(samples, np.float32)
    record = Attempt(session=0, epoch=0, sequence=0, chunk_id="c", variant="v", **attempt)
    return SharedClip(Chunk("c", "some text"), record, heard, rate, Variant("v", "null"), layout)


def speak(rate=24000, words=6, seed=0, f0=120.0):
    """Return speech-like samples: words of vowels with gliding pitch and s-like noise, short gaps, faint noise."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(seed)
    parts = [np.zeros(int(0.1 * rate))]
    for word in range(words):
        for _ in range(3):
            length = int(rng.uniform(0.08, 0.14) * rate)
            pitch = f0 * rng.uniform(0.85, 1.15) * np.linspace(1, rng.uniform(0.9, 1.1), length)
            phase = np.cumsum(pitch * rng.normal(1, 0.01, length)) / rate
            sound = np.diff(np.floor(phase), prepend=0) + 0.01 * rng.normal(0, 1, length)
            for formant in (rng.uniform(300, 800), rng.uniform(900, 2200), 2600):
                radius = np.exp(-np.pi * 90 / rate)
                sound = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * formant / rate), radius**2], sound)
            edge = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.015 * rate))
            parts.append(sound / (np.abs(sound).max() + 1e-9) * 0.4 * edge * rng.uniform(0.4, 1))
            hiss = int(0.06 * rate)
            parts.append(rng.normal(0, 0.02, hiss) * np.hanning(hiss))
        parts.append(np.zeros(int((0.3 if word == 2 else 0.06) * rate)))
    samples = np.concatenate([*parts, np.zeros(int(0.1 * rate))])
    return (samples + rng.normal(0, 1e-4, len(samples))).astype(np.float32)
