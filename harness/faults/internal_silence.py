"""Internal silence: dead air inside the speech."""

import numpy as np

from harness.faults._inject import audio, give, join, place, speech
from harness.faults.base import BaseFault, Family, Material, Seen, Source, as_span, payload
from harness.types import Relation, View


def dead_air(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Insert ``dose`` seconds of digital silence."""
    x, rate = speech(material)
    at = place(x, rate, 0.1, rng)
    return give(material, join([x[:at], np.zeros(int(dose * rate)), x[at:]], rate), at / rate, at / rate + dose)


class InternalSilence(BaseFault):
    name = "internal-silence"
    title = "dead air inside the speech"
    family = Family.WAVEFORM
    causes = ("chunks joined with padding", "silent tokens repeated", "lost audio")
    observes = ("signal",)
    unit = "s, longest inner pause"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 1.0
    default_limit = 2.0
    explains = ("overlong",)
    sources = (
        Source(
            "gap above 2 s and 2.5 times the clip's median; 1.04 s can be natural",
            "https://github.com/jamiepine/voicebox/issues/964",
        ),
    )
    injectors = audio("s", (0.3, 0.7, 1.5, 3.0, 10.0), 3.0, dead_air)

    def measure(self, view: View) -> Seen:
        pause = payload(view, "signal").get("longest_pause") or {}
        seconds = float(pause.get("seconds") or 0.0)  # no inner gap of 0.15 s at all is a pause of nothing
        return Seen(seconds, as_span(pause.get("span")), f"silent for {seconds:.2f} s")
