"""Bandwidth: the highs are gone."""

import math

from harness.faults.base import BaseFault, Family, Seen, Source, number, payload
from harness.types import Relation, View


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
    sources = (
        Source("99% rolloff a fifth lower than the reference's", "https://github.com/kyutai-labs/moshi/issues/381"),
    )

    def measure(self, view: View) -> Seen:
        rolloff = max(number(payload(view, "signal"), "rolloff99_hz"), 1.0)
        return Seen(-math.log(rolloff / 1000.0), None, f"99% of the energy lies below {rolloff:.0f} Hz")
