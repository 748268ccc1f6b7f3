"""Double scaling: integers scaled twice, so that speech becomes a square wave that jumps from rail to rail."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, give, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    known,
    required_payload,
)


def scale_twice(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Multiply by ``dose`` and clip: what is left is the sign."""
    x, rate = speech(material)
    return give(material, np.clip(x * dose, -1, 1), 0.0, len(x) / rate)


class DoubleScaling(BaseFault):
    name = "double-scaling"
    title = "a square wave: samples scaled twice or wrapped around"
    family = Family.WAVEFORM
    causes = ("float and 16-bit samples mixed up", "multiplied by 32768 twice", "integers that wrap")
    observes = ("signal",)
    unit = "jumps across full scale a second"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 5.0
    default_limit = 5.0
    explains = (
        "clipping",
        "level-offset",
        "bandwidth",
        "noise",
        "click",
        "noise-floor",
    )
    sources = (Citation("samples scaled twice", "https://github.com/index-tts/index-tts/issues/727"),)
    injectors = audio("factor", (8.0, 64.0, 512.0, 32768.0), 32768.0, scale_twice)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        jumps = known(signal.get("rail_jumps"), "rail_jumps")
        seconds = max(known(signal.get("duration"), "duration"), 0.01)
        return DetectorValue(jumps / seconds, None, f"{jumps:.0f} sample steps of more than 1.5")
