"""Sample rate: the header says one rate, the samples have another."""

import math

import numpy as np

from harness.faults._figures import reference_figure
from harness.faults._inject import audio, give, speech
from harness.faults.base import BaseFault, Family, Material, NotApplicable, Seen, Source, number, payload
from harness.types import View

SLACK = 0.15  # healthy takes differ by as much in pace or pitch


def wrong_rate(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Play the samples ``dose`` times as fast, at the rate the header says."""
    x, rate = speech(material)
    places = np.arange(0, len(x) - 1, dose)
    return give(material, np.interp(places, np.arange(len(x)), x), 0.0, len(places) / rate)


class SampleRate(BaseFault):
    name = "sample-rate"
    title = "chipmunk or giant: played at the wrong rate"
    family = Family.WAVEFORM
    causes = ("the header lies", "resampled once too often or not at all", "mono taken for stereo")
    observes = ("signal", "pitch")
    unit = "ln of the rate that duration and pitch agree on"
    default_limit = 0.12  # a whole tone
    explains = (
        "wrong-speaker",
        "near-empty",
        "overlong",
        "bandwidth",
        "unintelligible",
        "skipped-words",
        "truncation",
        "inserted-words",
        "gibberish-tail",
        "loop",
        "lost-audio",
    )
    sources = (
        Source(
            "duration ratio r together with pitch ratio 1/r, r of .5, .919, 1.088, 2",
            "https://github.com/dograh-hq/pipecat/issues/59",
        ),
    )
    injectors = (
        *audio("times as fast", (1.05, 1.088, 1.25, 1.5, 2.0), 1.25, wrong_rate),
        *audio("times as fast", (0.5, 0.67, 0.8, 0.919), 0.5, wrong_rate, "slow"),  # 0.5: stereo taken for mono
    )

    def measure(self, view: View) -> Seen:
        pitch, signal = payload(view, "pitch"), payload(view, "signal")
        f0_then, seconds_then = reference_figure(view, "f0_median_hz"), reference_figure(view, "duration")
        if f0_then is None or seconds_then is None:
            raise NotApplicable("no reference for this text to take pitch and duration from")
        if pitch.get("f0_median_hz") is None:
            raise NotApplicable("no voiced speech")
        faster = math.log(seconds_then / max(number(signal, "duration"), 0.01))
        higher = math.log(number(pitch, "f0_median_hz") / f0_then)
        apart = max(0.0, abs(faster - higher) - SLACK)
        agreed = max(0.0, min(abs(faster), abs(higher)) - apart) if faster * higher > 0 else 0.0
        return Seen(
            agreed, None, f"duration 1/{math.exp(faster):.2f}, pitch x{math.exp(higher):.2f} of the reference's"
        )
