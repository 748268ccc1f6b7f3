"""Truncation: the end of the text was never spoken."""

import numpy as np

from harness.faults._forced import agreed, missing
from harness.faults._heard import Heard, quote
from harness.faults._inject import cut, give, speech, words
from harness.faults.base import BaseFault, CannotInject, Family, Material, Seen, Source
from harness.types import Relation, View


def lose_the_end(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Cut off the last ``dose`` words."""
    x, rate = speech(material)
    kept = len(material.words) - round(dose)
    if kept < 1:
        raise CannotInject(f"only {len(material.words)} words")
    at = cut(material, rate, kept)
    return give(material, x[:at], at / rate, at / rate)


class Truncation(BaseFault):
    name = "truncation"
    title = "the end of the text is missing"
    family = Family.TRANSCRIPT
    causes = ("the token cap was reached", "the stop token came early", "audio cut off before it was written")
    observes = ("intelligibility", "signal")
    unit = "words missing at the end"
    relation = Relation.EXCESS
    default_margin = 2.5
    default_limit = 3.0
    essential = True
    sources = (
        Source("the last sentence is gone", "https://github.com/2noise/ChatTTS/issues/557"),
        Source("trailing deletion of 2 words or more"),
    )
    injectors = words((1.0, 2.0, 4.0, 6.0, 10.0), 6.0, lose_the_end)  # the reports' last sentence, a short one

    def measure(self, view: View) -> Seen:
        return agreed(view, _by_ear, lambda found: missing(found, at_end=True))


def _by_ear(heard: Heard) -> Seen:
    tail = heard.regions[-1]
    unmatched = tail.text[1] - tail.text[0]
    lost = tail.missing / max(heard.mean_word, 1e-6)
    words = max(0.0, min(float(unmatched), lost))
    detail = f"{quote(heard.text[tail.text[0] :])} not heard, {max(tail.missing, 0):.2f} s short" if unmatched else ""
    return Seen(words, tail.span, detail)
