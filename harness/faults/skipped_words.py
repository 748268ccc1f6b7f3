"""Skipped words: a stretch of the text is missing, with speech before and after it."""

import numpy as np

from harness.faults._forced import agreed, missing
from harness.faults._heard import hear, need_times, quote
from harness.faults._inject import cut, give, join, speech, words, words_at
from harness.faults.base import BaseFault, Family, Material, Seen, Source
from harness.types import Relation, View


def leave_out(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Cut ``dose`` words out of the middle."""
    x, rate = speech(material)
    first, after = words_at(material, round(dose), rng)
    start, end = cut(material, rate, first), cut(material, rate, after)
    return give(material, join([x[:start], x[end:]], rate), start / rate, start / rate)


SHORT = 0.6  # of the text's mean word: five words such as "of it as a" take the time of three


class SkippedWords(BaseFault):
    name = "skipped-words"
    title = "words in the middle or at the start were not spoken"
    family = Family.TRANSCRIPT
    causes = ("the model lost its place", "text lost at a seam of the chunker", "a start that was cut")
    observes = ("intelligibility", "signal")
    unit = "words missing in a row"
    relation = Relation.EXCESS
    default_margin = 2.5
    default_limit = 3.0
    essential = True
    sources = (
        Source("the first words are lost", "https://github.com/k2-fsa/sherpa-onnx/issues/1777"),
        Source("5 words of 54 missing is 9% WER: a run of deletions finds it"),
    )
    injectors = words((1.0, 2.0, 3.0, 5.0, 8.0), 5.0, leave_out)

    def measure(self, view: View) -> Seen:
        return agreed(view, lambda: self._by_ear(view), lambda found: missing(found, at_end=False))

    def _by_ear(self, view: View) -> Seen:
        heard = need_times(hear(view))
        best = Seen(0.0)
        for region in heard.regions[:-1]:
            unmatched = region.text[1] - region.text[0]
            usual = min(max(region.expected / max(unmatched, 1), SHORT * heard.mean_word), heard.mean_word)
            lost = min(float(unmatched), region.missing / max(usual, 1e-6))
            if lost > best.value:
                words = quote(heard.text[region.text[0] : region.text[1]])
                best = Seen(lost, region.span, f"{words} not heard, {region.missing:.2f} s short")
        return best
