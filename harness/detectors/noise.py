"""Noise: sound at a plausible level whose loudness does not move as speech does."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, coloured, give, loudness, speech
from harness.detectors.base import (
    BaseFault,
    CannotJudge,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    known,
    required_payload,
)

SPOKEN = 0.5  # the most that sound with a voice in it can show, below every limit
VOICED = 0.3  # of the speech
GLIDES = 1.03  # 95th percentile of F0 over its 5th: a hum stays where it is
FLAT = 0.1  # spectral flatness of noise lies above


def drown(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Add white noise ``dose`` dB above the speech, at the level the speech had."""
    x, rate = speech(material)
    level = loudness(x, rate)
    mixed = x + coloured(len(x), 0.0, rng) * level * 10 ** (dose / 20)
    return give(material, mixed * level / loudness(mixed, rate), 0.0, len(x) / rate)


def drown_in_pink(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Add pink noise ``dose`` dB above the speech, at the level the speech had."""
    x, rate = speech(material)
    level = loudness(x, rate)
    mixed = x + coloured(len(x), 1.0, rng) * level * 10 ** (dose / 20)
    return give(material, mixed * level / loudness(mixed, rate), 0.0, len(x) / rate)


class Noise(BaseFault):
    name = "noise"
    title = "noise or a hum instead of speech: the loudness does not move"
    family = Family.WAVEFORM
    causes = ("wrong weights or data type", "mel values in the wrong domain", "quantized bytes read as floats")
    observes = ("signal",)
    unit = "-ln(variation of the envelope)"
    relation = Relation.EXCESS
    default_margin = math.log(2.5)
    default_limit = -math.log(0.4)
    explains = (
        "unintelligible",
        "truncation",
        "skipped-words",
        "inserted-words",
        "gibberish-tail",
        "robotic",
        "bandwidth",
        "wrong-speaker",
        "rumble",
        "noise-floor",
        "loop",
        "sample-rate",
    )
    sources = (
        Citation(
            "envelope variation below 0.4 (speech 1.27, noise .002)", "https://github.com/elizaOS/eliza/issues/9636"
        ),
    )
    injectors = (
        *audio("dB above the speech", (-20.0, -10.0, 0.0, 10.0, 40.0), 10.0, drown),
        *audio("dB above the speech", (-20.0, -10.0, 0.0, 10.0, 40.0), 10.0, drown_in_pink, "pink"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        if signal.get("envelope_cv") is None and signal.get("constant"):
            raise CannotJudge("a flat line has no envelope")
        variation = max(known(signal.get("envelope_cv"), "envelope_cv"), 1e-4)
        flatness = signal.get("flatness")
        extra = f", flatness {flatness:.2g}" if isinstance(flatness, (int, float)) else ""
        value = -math.log(variation)
        return DetectorValue(
            min(value, SPOKEN) if self._spoken(view) else value, None, f"envelope variation {variation:.2f}{extra}"
        )

    @staticmethod
    def _spoken(view: DetectorInput) -> bool:
        """Whether there is a voice in it: a short even phrase ("Good morning.") moves as little as a hum does."""
        signal, pitch = required_payload(view, "signal"), view.payload("pitch") or {}
        low, high, flatness = pitch.get("f0_p05_hz"), pitch.get("f0_p95_hz"), signal.get("flatness")
        if low is None or high is None or flatness is None:
            return False
        voiced = float(pitch.get("voiced_fraction") or 0.0)
        return voiced >= VOICED and float(high) >= GLIDES * float(low) and float(flatness) < FLAT
