"""Level offset: much louder or quieter than this voice speaks this text."""

import numpy as np

from harness.faults._inject import audio, give, speech
from harness.faults.base import BaseFault, Family, Material, NotApplicable, Seen, Source, number, payload
from harness.types import Relation, View


def quieter(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Lower the level by ``dose`` dB."""
    x, rate = speech(material)
    return give(material, x * 10 ** (-dose / 20), 0.0, len(x) / rate)


class LevelOffset(BaseFault):
    name = "level-offset"
    title = "much louder or quieter than it should be"
    family = Family.WAVEFORM
    causes = ("mel values offset or scaled", "gain applied twice or not at all", "drift")
    observes = ("signal",)
    unit = "dBFS, active speech"
    relation = Relation.DISTANCE
    default_margin = 4.5
    sources = (
        Source("active level against the reference, more than 3 dB", "https://github.com/DevMan57/indextts2-rust"),
    )
    injectors = audio("dB quieter", (1.0, 2.0, 3.0, 6.0, 12.0), 6.0, quieter)

    def measure(self, view: View) -> Seen:
        signal = payload(view, "signal")
        if not signal.get("active_fraction"):
            raise NotApplicable("no active frame to take a level of")
        level = number(signal, "active_rms_dbfs")
        return Seen(level, None, f"active level {level:.1f} dBFS")
