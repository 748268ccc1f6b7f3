"""A scorer: one measurement of a clip, never a judgement."""

import numpy as np

from harness.scorers import Clip


class CrestScorer:
    """Crest factor, 20 log10(peak / RMS), in dB; None for silence."""

    name = "crest"
    version = "1"
    room = "analysis"  # the process it runs in; the other one is "recognizer"
    needs = frozenset({"audio"})

    def setup(self) -> None:
        """Load models here; there are none."""

    def observe(self, clip: Clip) -> dict[str, float | None]:
        """Return the payload: plain JSON, None for what cannot be measured."""
        peak, rms = np.abs(clip.samples).max(), np.sqrt(np.mean(np.square(clip.samples)))
        return {"crest_db": float(20 * np.log10(peak / rms)) if rms > 0 else None}
