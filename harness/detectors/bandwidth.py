"""Bandwidth: the highs are gone."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._figures import expected_syllables
from harness.detectors._inject import audio, give, speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    known,
    required_payload,
)

SHORTEST = 1.0  # s
FEWEST_SYLLABLES = 6


def muffle(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Apply a low-pass at half of the rate divided by ``dose`` (Butterworth, order 8)."""
    from scipy.signal import butter, sosfiltfilt

    x, rate = speech(material)
    edge = 0.5 * rate / dose
    if edge < 200:
        raise CannotInject(f"a low-pass at {edge:.0f} Hz leaves no speech")
    return give(material, sosfiltfilt(butter(8, edge, fs=rate, output="sos"), x), 0.0, len(x) / rate)


class Bandwidth(BaseFault):
    name = "bandwidth"
    title = "muffled: the highs are missing"
    family = Family.WAVEFORM
    causes = ("a mel range that ends too low", "a codec at too low a rate", "resampled twice")
    observes = ("signal",)
    unit = "-ln(99% rolloff in kHz)"
    relation = Relation.EXCESS
    default_margin = math.log(1 / 0.7)
    default_limit = -math.log(1.2)  # no speech ends at 1.2 kHz
    least_difference = default_margin  # the published threshold, a fifth, is of the same text; others lack an s
    sources = (
        Citation("99% rolloff a fifth lower than the reference's", "https://github.com/kyutai-labs/moshi/issues/381"),
    )
    injectors = audio("times narrower", (1.25, 1.6, 2.0, 3.0, 4.0), 3.0, muffle)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        if known(signal.get("duration"), "duration") < SHORTEST:
            raise NotApplicable(f"less than {SHORTEST:.0f} s of audio: a phrase without an s has no highs to miss")
        if expected_syllables(view) < FEWEST_SYLLABLES:
            raise NotApplicable(f"fewer than {FEWEST_SYLLABLES} syllables: a phrase without an s has no highs to miss")
        rolloff = max(known(signal.get("rolloff99_hz"), "rolloff99_hz"), 1.0)
        return DetectorValue(-math.log(rolloff / 1000.0), None, f"99% of the energy lies below {rolloff:.0f} Hz")
