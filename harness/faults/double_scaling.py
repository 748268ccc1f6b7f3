"""Double scaling: integers scaled twice, so that speech becomes a square wave that jumps from rail to rail."""

from harness.faults.base import BaseFault, Family, Seen, Source, number, payload
from harness.types import Relation, View


class DoubleScaling(BaseFault):
    name = "double-scaling"
    title = "a square wave: samples scaled twice or wrapped around"
    family = Family.WAVEFORM
    causes = ("float and 16-bit samples mixed up", "multiplied by 32768 twice", "integers that wrap")
    observes = ("signal",)
    unit = "jumps across full scale a second"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 5.0
    default_limit = 5.0
    explains = ("clipping", "level-offset", "bandwidth", "noise")
    sources = (Source("samples scaled twice", "https://github.com/index-tts/index-tts/issues/727"),)

    def measure(self, view: View) -> Seen:
        signal = payload(view, "signal")
        jumps = number(signal, "rail_jumps")
        seconds = max(number(signal, "duration"), 0.01)
        return Seen(jumps / seconds, None, f"{jumps:.0f} sample steps of more than 1.5")
