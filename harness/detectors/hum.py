"""Hum: a steady tone or beep instead of speech."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, give, loudness, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    known,
    required_payload,
)

STEADY = 0.4  # variation of the envelope; speech lies above, a hum below
MOVING = 3.0  # the most that sound can show whose loudness moves as speech does


def beep(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Return a tone between 150 and 1500 Hz, ``dose`` dB above the speech, at the level the speech had."""
    x, rate = speech(material)
    level = loudness(x, rate)
    pitch = float(np.exp(rng.uniform(np.log(150), np.log(1500))))
    tone = np.sqrt(2) * level * np.sin(2 * np.pi * pitch * np.arange(len(x)) / rate)
    mixed = x + tone * 10 ** (dose / 20)
    return give(material, mixed * level / loudness(mixed, rate), 0.0, len(x) / rate)


class Hum(BaseFault):
    name = "hum"
    title = "a steady tone or beep instead of speech"
    family = Family.WAVEFORM
    causes = ("quantized bytes read as floats", "too few steps of a diffusion decoder", "a vocoder fed with zeros")
    observes = ("signal",)
    unit = "-log10 of the framed spectral flatness, where the loudness does not move"
    relation = Relation.EXCESS
    default_margin = 2.0
    default_limit = 5.0  # 1e-5; slow formant synthesis comes down to 5e-5
    explains = (
        "noise",
        "unintelligible",
        "truncation",
        "skipped-words",
        "inserted-words",
        "gibberish-tail",
        "loop",
        "robotic",
        "rumble",
        "bandwidth",
        "wrong-speaker",
        "sample-rate",
        "noise-floor",
        "level-offset",
        "short-repeat",
    )
    sources = (
        Citation("a beep from quantized bytes read as floats", "https://github.com/elizaOS/eliza/issues/9738"),
        Citation("framed flatness: speech 7.7e-6 and more, a buzz 3.3e-9", "https://github.com/debpalash/VoiceStudio"),
    )
    injectors = audio("dB above the speech", (0.0, 10.0, 20.0, 40.0, 60.0), 40.0, beep)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        flatness = max(known(signal.get("flatness"), "flatness"), 1e-12)
        variation = known(signal.get("envelope_cv"), "envelope_cv")
        value = -math.log10(flatness)
        detail = f"flatness {flatness:.1e}, envelope variation {variation:.2f}"
        return DetectorValue(min(value, MOVING) if variation > STEADY else value, None, detail)
