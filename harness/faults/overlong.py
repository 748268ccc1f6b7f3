"""Overlong: far more audio than the text needs."""

import math

from harness.faults._figures import expected_syllables
from harness.faults.base import BaseFault, Family, Seen, Source, number, payload
from harness.types import Relation, View


class Overlong(BaseFault):
    name = "overlong"
    title = "far more audio than the text needs"
    family = Family.TIMING
    causes = ("the end was missed, also where the backend hides its token cap", "a loop", "slow speech")
    observes = ("signal",)
    unit = "ln(seconds a syllable)"
    relation = Relation.EXCESS
    default_margin = math.log(1.8)
    default_limit = math.log(1.2)  # 1.2 s a syllable
    sources = (
        Source("a hidden cap shows as identical maximal durations", "https://github.com/QwenLM/Qwen3-TTS/issues/118"),
        Source("duration judged by the voice's own residual given the syllables, not by a formula on characters"),
    )

    def measure(self, view: View) -> Seen:
        duration = max(number(payload(view, "signal"), "duration"), 0.01)
        syllables = expected_syllables(view)
        detail = f"{duration:.2f} s for {syllables:.0f} syllables"
        return Seen(math.log(duration / syllables), (0.0, duration), detail)
