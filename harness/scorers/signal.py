"""The signal scorer: everything that the waveform alone says."""

from __future__ import annotations

from harness.scorers.base import Clip
from harness.scorers.clip import SharedClip, significant
from harness.scorers.signal_click import click_figures
from harness.scorers.signal_gaps import gap_figures
from harness.scorers.signal_level import damage_figures, level_figures
from harness.scorers.signal_repeat import repeat_figures
from harness.scorers.signal_spectrum import spectrum_figures
from harness.scorers.signal_time import time_figures


class SignalScorer:
    """Level, damage, repeats, envelope, spectrum, pauses and clicks of the audio.

    Keys of the payload stand in ARCHITECTURE.md; each measure's definition and source in the function that takes it.
    NaN and Inf are counted first; every other figure is of finite samples. What cannot be measured is None.
    """

    name = "signal"
    version = "3"  # 2: clicks, holes; 3: level steps and combs
    room = "analysis"
    needs = frozenset({"audio"})

    def setup(self) -> None:
        """Import what the first clip would otherwise wait for."""
        import pyloudnorm  # noqa: F401
        import scipy.fft  # noqa: F401

    def observe(self, clip: Clip) -> dict[str, object]:
        """Return the payload. Raises ValueError without audio or sampling rate."""
        shared = SharedClip.of(clip)
        payload: dict[str, object] = {
            "duration": significant(len(shared.raw) / shared.rate),
            "sample_rate": shared.rate,
        }
        damage = damage_figures(shared)
        unmeasured = damage["nonfinite_fraction"] == 1
        payload |= level_figures(shared) | damage
        for figures in (time_figures, spectrum_figures, repeat_figures, click_figures, gap_figures):
            payload |= figures(shared)
        if unmeasured:
            steps: dict[str, object] = {
                "count": None,
                "worst_ratio": None,
                "worst_dbfs": None,
                "times": [],
                "seams": None,
            }
            holes: dict[str, object] = {"count": None, "times": [], "regular": None}
            payload |= {"active_fraction": None, "noise_floor_dbfs": None, "clicks": steps, "holes": holes}
        return payload
