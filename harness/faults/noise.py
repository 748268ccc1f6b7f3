"""Noise: sound at a plausible level whose loudness does not move as speech does."""

import math

from harness.faults.base import BaseFault, CannotJudge, Family, Seen, Source, number, payload
from harness.types import Relation, View


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
    )
    sources = (
        Source(
            "envelope variation below 0.4 (speech 1.27, noise .002)", "https://github.com/elizaOS/eliza/issues/9636"
        ),
    )

    def measure(self, view: View) -> Seen:
        signal = payload(view, "signal")
        if signal.get("envelope_cv") is None and signal.get("constant"):
            raise CannotJudge("a flat line has no envelope")
        variation = max(number(signal, "envelope_cv"), 1e-4)
        flatness = signal.get("flatness")
        extra = f", flatness {flatness:.2g}" if isinstance(flatness, (int, float)) else ""
        return Seen(-math.log(variation), None, f"envelope variation {variation:.2f}{extra}")
