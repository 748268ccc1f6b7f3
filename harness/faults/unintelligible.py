"""Unintelligible: it sounds like speech, and holds none of the words."""

import statistics

from harness.faults._heard import hear, quote
from harness.faults.base import BaseFault, CannotJudge, Family, Seen, Source
from harness.types import Relation, View

HOPELESS = 0.75  # where the reference itself is beyond this, the recognizer cannot grade the text


class Unintelligible(BaseFault):
    name = "unintelligible"
    title = "sounds like speech, and holds none of the words"
    family = Family.TRANSCRIPT
    causes = ("coarse quantization", "a codebook order mixed up", "the wrong language", "lost text")
    observes = ("intelligibility",)
    unit = "share of letters that match in neither direction"
    relation = Relation.EXCESS
    default_margin = 0.4
    default_limit = 0.75
    maximum = 1.0
    essential = True
    explains = ("truncation", "skipped-words", "inserted-words", "gibberish-tail", "loop")
    sources = (
        Source(
            "envelope, zero crossings and centroid caught at most 5% of speech-like non-speech",
            "https://github.com/Lourdle/cosyvoice.cpp/issues/4",
        ),
    )

    def measure(self, view: View) -> Seen:
        heard = hear(view)
        if view.reference is not None and (usual := list(view.reference.evidence.get(self.name, ()))):
            typical = statistics.median(usual)
            if typical > HOPELESS:
                raise CannotJudge(
                    f"the recognizer does not understand the reference on this text either ({typical:.2f})"
                )
        value = 1.0 - max(heard.precision, heard.recall)
        return Seen(value, None, f"heard {quote(heard.words)}" if heard.words else "no word was heard")
