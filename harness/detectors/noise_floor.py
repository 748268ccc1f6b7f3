"""Noise floor: hiss or hum in the pauses."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, coloured, give, loudness, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    known,
    required_payload,
)


def hiss(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Add white noise ``dose`` dB above full silence: 0 is at the level of the speech."""
    x, rate = speech(material)
    noise = coloured(len(x), 0.0, rng) * loudness(x, rate) * 10 ** (dose / 20)
    return give(material, x + noise, 0.0, len(x) / rate)


class NoiseFloor(BaseFault):
    name = "noise-floor"
    title = "hiss or hum under the speech"
    family = Family.WAVEFORM
    causes = ("decoding in windows", "dither or quantization of samples", "a vocoder that leaks its noise branch")
    observes = ("signal",)
    unit = "dB, pauses against speech"
    relation = Relation.EXCESS
    default_margin = 15.0
    harmless = -50.0  # nobody hears it beside speech
    explains = ("robotic",)
    sources = (
        Citation("pauses 3 dB louder than with a full decode", "https://github.com/vllm-project/vllm-omni/issues/4371"),
    )
    injectors = audio("dB against the speech", (-50.0, -40.0, -30.0, -20.0, -10.0), -20.0, hiss)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        if not signal.get("active_fraction"):
            raise NotApplicable("no speech to compare the pauses with")
        floor = known(signal.get("noise_floor_dbfs"), "noise_floor_dbfs") - known(
            signal.get("active_rms_dbfs"), "active_rms_dbfs"
        )
        return DetectorValue(floor, None, f"pauses {floor:.0f} dB against the speech")
