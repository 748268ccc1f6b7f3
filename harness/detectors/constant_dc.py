"""Constant or offset: the waveform does not move, or sits beside zero."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, give, loudness, speech
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


def add_offset(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Add ``dose`` times the speech's RMS to every sample."""
    x, rate = speech(material)
    return give(material, x + dose * loudness(x, rate), 0.0, len(x) / rate)


class ConstantDc(BaseFault):
    name = "constant-dc"
    title = "a flat line, or speech that sits beside zero"
    family = Family.WAVEFORM
    causes = ("the bias of a convolution", "a vocoder fed with zeros")
    observes = ("signal",)
    unit = "mean over RMS"
    relation = Relation.EXCESS
    physical_limit = 0.9  # nothing that oscillates
    default_margin = 0.1
    default_limit = 0.1
    maximum = 1.0
    explains = (
        "bandwidth",
        "noise",
        "level-offset",
        "noise-floor",
    )
    sources = (Citation("offset above a tenth of the RMS", "https://github.com/stakira/OpenUtau/issues/1763"),)
    injectors = audio("RMS of the speech", (0.03, 0.1, 0.2, 0.5, 1.0), 0.5, add_offset)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        if signal.get("constant"):
            return DetectorValue(1.0, as_span(signal.get("spans", {}).get("constant")), "every sample is the same")
        ratio = known(signal.get("dc_ratio"), "dc_ratio")
        return DetectorValue(ratio, None, f"mean {ratio:.3f} of the RMS")
