"""NaN or infinite samples."""

import numpy as np

from harness.core.records import DetectorInput
from harness.detectors._inject import audio, give, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    as_span,
    known,
    required_payload,
)


def not_numbers(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Make a share of the samples NaN, at least one, in one stretch."""
    x, rate = speech(material)
    count = max(1, round(dose * len(x)))
    start = int(rng.integers(0, len(x) - count + 1))
    x[start : start + count] = np.nan
    return give(material, x, start / rate, (start + count) / rate)


class NanInf(BaseFault):
    name = "nan-inf"
    title = "samples that are not numbers"
    family = Family.WAVEFORM
    causes = ("overflow in half precision", "an operator translated wrongly")
    observes = ("signal",)
    unit = "share of samples"
    physical_limit = 0.0
    essential = True
    explains = (
        "silence",
        "constant-dc",
        "unintelligible",
        "skipped-words",
        "truncation",
        "internal-silence",
        "short-repeat",
        "bandwidth",
        "level-offset",
        "noise",
        "click",
    )
    sources = (Citation("NaN in half precision", "https://github.com/FunAudioLLM/CosyVoice/issues/999"),)
    injectors = audio("share of samples", (1e-6, 1e-4, 1e-2, 0.1, 1.0), 1e-4, not_numbers)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        share = known(signal.get("nonfinite_fraction"), "nonfinite_fraction")
        return DetectorValue(share, as_span(signal.get("spans", {}).get("nonfinite")), f"{share:.3%} of the samples")
