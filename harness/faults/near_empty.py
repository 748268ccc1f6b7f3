"""Near-empty: far less speech than the text needs."""

import math

from harness.faults._figures import expected_syllables, speech_seconds
from harness.faults.base import BaseFault, Family, Seen, Source
from harness.types import Relation, View

SHORTEST = 0.01  # s; below this the logarithm would run away


class NearEmpty(BaseFault):
    name = "near-empty"
    title = "far less speech than the text needs"
    family = Family.TIMING
    causes = ("the stop token came at once", "a stale prefix cache", "a buffer that was never flushed")
    observes = ("signal",)
    unit = "ln(syllables a second)"
    relation = Relation.EXCESS  # of a logarithm: ln(reference's seconds / these seconds)
    physical_limit = math.log(20.0)  # nobody speaks 20 syllables a second
    default_margin = math.log(1 / 0.4)
    default_limit = math.log(14.0)
    essential = True
    explains = ("truncation", "skipped-words", "unintelligible")
    sources = (
        Source(
            "0.2-0.4 s for whole sentences; below 0.4 of the reference",
            "https://github.com/Lourdle/cosyvoice.cpp/issues/4",
        ),
        Source("early end of speech", "https://github.com/canopyai/Orpheus-TTS/issues/307"),
    )

    def measure(self, view: View) -> Seen:
        seconds = speech_seconds(view)
        syllables = expected_syllables(view)
        rate = syllables / max(seconds, SHORTEST)
        return Seen(math.log(rate), (0.0, seconds), f"{seconds:.2f} s of speech for {syllables:.0f} syllables")
