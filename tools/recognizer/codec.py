"""The voice's codec as an augmentation: teacher parameters quantized, disturbed and spoken as the voice speaks them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.voice import codec as runtime
from tools.voice.codec import Sizes, features

SPEAKERS = ("slt", "rms")  # in the order of the codebooks' parts
NEAR = 4  # codes that a disturbed choice is drawn from


class DisturbedCodec:
    """Quantizes as the voice's recipe does, with a share of the codes drawn from near ones.

    A language model's sampled codes differ from the teacher's in just this way: near, but not nearest.
    """

    def __init__(self, path: Path) -> None:
        self._codec = runtime.load_codec(path)
        sizes = Sizes()
        self._sizes = Sizes(speakers=len(self._codec.stage1) // sizes.stage1)

    def knows(self, speaker: str) -> bool:
        """Whether the codebooks have a part for the speaker."""
        return SPEAKERS.index(speaker) < self._sizes.speakers

    def say(self, rows: np.ndarray, speaker: str, rng: np.random.Generator, disturbed: float = 0.0) -> np.ndarray:
        """Teacher rows (steps of 5 ms, 31) through the codec: float32 samples at 16 kHz."""
        envelope, prosody = features(rows)
        index = SPEAKERS.index(speaker)
        own, slow_own = self._sizes.stage1_part(index), self._sizes.prosody_part(index)
        codec = self._codec
        residual = envelope - codec.mean
        stage1 = _near(residual, codec.stage1[own], rng, disturbed)
        stage2 = _near(residual - codec.stage1[own][stage1], codec.stage2, rng, disturbed)
        slow = _near(prosody, codec.prosody[slow_own], rng, disturbed)
        return runtime.decode(np.stack([stage1 + own.start, stage2, slow + slow_own.start], 1), codec)


def unquantized(rows: np.ndarray) -> np.ndarray:
    """Teacher rows through the voice's vocoder alone: float32 samples at 16 kHz."""
    values = rows.astype(np.float64)
    return runtime.synthesize(runtime.Parameters(values[:, 0], values[:, 1:26], values[:, 26:31]))


def _near(points: np.ndarray, codes: np.ndarray, rng: np.random.Generator, disturbed: float) -> NDArray[np.intp]:
    distance = (codes * codes).sum(1) - 2 * points @ codes.T
    best: NDArray[np.intp] = distance.argmin(1)
    if not disturbed:
        return best
    near = np.argpartition(distance, NEAR, axis=1)[:, :NEAR]
    other = near[np.arange(len(points)), rng.integers(0, NEAR, len(points))]
    return np.where(rng.random(len(points)) < disturbed, other, best)
