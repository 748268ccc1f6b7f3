"""Unintelligible: it sounds like speech, and holds none of the words."""

import statistics

import numpy as np

from harness.faults._heard import hear, quote
from harness.faults._inject import audio, give, join, speech
from harness.faults.base import BaseFault, CannotJudge, Family, Material, Seen, Source
from harness.types import Relation, View

HOPELESS = 0.75  # where the reference itself is beyond this, the recognizer cannot grade the text


def turn_round(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Reverse the speech in windows of ``dose`` seconds: it keeps its level, spectrum and pace."""
    x, rate = speech(material)
    width = max(int(dose * rate), 2)
    return give(material, join([x[i : i + width][::-1] for i in range(0, len(x), width)], rate), 0.0, len(x) / rate)


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
    injectors = audio("s, window", (0.03, 0.06, 0.12, 0.25, 10.0), 0.25, turn_round)

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
