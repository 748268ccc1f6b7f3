"""Clipping: flat tops at full scale."""

import numpy as np

from harness.core.records import DetectorInput, Relation
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

SHORTEST_RUN = 3  # one or two samples at the rail can be a plain peak


def overdrive(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Raise the level until a share of the samples lies at the rail."""
    x, rate = speech(material)
    rail = max(float(np.quantile(np.abs(x), 1 - dose)), 1e-9)
    return give(material, np.clip(x / rail, -1, 1), 0.0, len(x) / rate)


class Clipping(BaseFault):
    name = "clipping"
    title = "the waveform is cut off at full scale"
    family = Family.WAVEFORM
    causes = ("too much gain", "samples beyond 1 written as integers")
    observes = ("signal",)
    unit = "share of samples"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 0.001
    default_limit = 0.001
    explains = (
        "level-offset",
        "click",
    )
    sources = (Citation("runs of 3 or more at the rail; 0.1% of the samples"),)
    injectors = audio("share of samples", (0.001, 0.003, 0.01, 0.03, 0.1), 0.01, overdrive)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        clipped = known(signal.get("clipped_fraction"), "clipped_fraction")
        run = known(signal.get("clipped_longest_run"), "clipped_longest_run")
        over = known(signal.get("over_one_fraction"), "over_one_fraction")
        share = max(clipped if run >= SHORTEST_RUN else 0.0, over)
        span = as_span(signal.get("spans", {}).get("clipping"))
        return DetectorValue(share, span, f"{share:.3%} of the samples, longest run {run:.0f}")
