"""Truncated ending: the sound is cut off while somebody still speaks, whatever the words are."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, give, loudness, speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    known,
    required_payload,
)

EDGE = 0.02  # s
QUIETEST = -40.0  # dB; how much lower a clip ends says how its silence was made, not how its speech ended
NOISE = 16.0  # dB over the clip's own noise that the end must stand


def cut_off(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Cut in the last half where 20 ms are nearest to ``dose`` dB of the speech's level."""
    x, rate = speech(material)
    width = int(EDGE * rate)
    ends = np.arange(len(x) // 2, len(x) - width, width)
    if len(ends) < 5:
        raise CannotInject("too short to cut")
    sums = np.concatenate([[0.0], np.cumsum(x**2)])
    levels = 10 * np.log10(np.maximum((sums[ends] - sums[ends - width]) / width, 1e-12) / loudness(x, rate) ** 2)
    at = int(ends[np.argmin(np.abs(levels - dose))])
    return give(material, x[:at], (at - width) / rate, at / rate)


class TruncatedEnding(BaseFault):
    name = "truncated-ending"
    title = "truncation by its edge: the sound is cut off while somebody speaks"
    family = Family.WAVEFORM
    causes = ("the last buffer was never flushed", "the end trimmed by a fixed length", "a stop token inside of a word")
    observes = ("signal",)
    unit = "dB of the last 20 ms against the speech"
    relation = Relation.EXCESS
    default_margin = 15.0
    default_limit = -16.0
    sources = (
        Citation("speech that ends a third of a second early", "https://github.com/KittenML/KittenTTS/issues/26"),
        Citation("the end of the last word is missing", "https://github.com/neonbjb/tortoise-tts/issues/53"),
    )
    injectors = audio("dB of the last 20 ms", (-20.0, -12.0, -6.0, 0.0, 3.0), 0.0, cut_off)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        edges = signal.get("edge_levels_db")
        end = known(edges[1] if edges else None, "the level of the end")
        level, floor = signal.get("active_rms_dbfs"), signal.get("noise_floor_dbfs")
        duration = float(signal.get("duration") or 0.0)
        shown = f"the last 20 ms at {end:+.1f} dB of the speech"
        if level is not None and floor is not None and float(level) + end < float(floor) + NOISE:
            return DetectorValue(QUIETEST, None, f"{shown}, no louder than the clip's noise")
        return DetectorValue(max(end, QUIETEST), (max(duration - EDGE, 0.0), duration), shown)
