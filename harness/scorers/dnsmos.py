"""DNSMOS P.835 and P.808 (Reddy et al. 2021, 2022) through speechmos: predicted ratings, trained on noise suppression."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from harness.errors import MissingExtra
from harness.scorers.asr import RATE, speech_16k
from harness.scorers.base import Clip, Unavailable

SHORTEST = 0.5  # s; the model repeats shorter audio to fill its 9 s window, and rates mostly the seams


class DnsmosScorer:
    """Predicted opinion scores on the scale 1 to 5: overall, signal, background, and P.808's overall."""

    name = "dnsmos"
    version = "1"
    room = "recognizer"
    needs = frozenset({"audio"})

    def __init__(self) -> None:
        self._run: Any = None

    def setup(self) -> None:
        """Load the models. Raises MissingExtra without the package."""
        if self._run is not None:
            return
        try:
            from speechmos import dnsmos
        except ImportError as error:
            raise MissingExtra("speechmos is not installed: pip install 'tts-soak[mos]'") from error
        self._run = dnsmos.run

    def observe(self, clip: Clip) -> dict[str, Any]:
        """Return the payload ``dnsmos`` of ARCHITECTURE.md."""
        self.setup()
        samples = speech_16k(clip)
        if len(samples) < SHORTEST * RATE:
            raise Unavailable(f"{len(samples) / RATE:.2f} s of audio; DNSMOS needs {SHORTEST} s")
        peak = float(np.abs(samples).max())
        seen = self._run(samples / max(1.0, peak), sr=RATE)  # it refuses samples beyond +-1
        return {
            "overall": _number(seen["ovrl_mos"]),
            "signal": _number(seen["sig_mos"]),
            "background": _number(seen["bak_mos"]),
            "p808": _number(seen["p808_mos"]),
        }


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None
