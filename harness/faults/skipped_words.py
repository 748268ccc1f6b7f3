"""Skipped words: a stretch of the text is missing, with speech before and after it."""

import numpy as np

from harness.faults._forced import agreed, missing
from harness.faults._heard import Heard, Region, close_by, quote
from harness.faults._inject import cut, give, join, speech, words, words_at
from harness.faults.base import BaseFault, Family, Material, Seen, Source
from harness.types import Relation, View

ROW = 3  # words; of fewer, every one may be misheard
GONE = 0.75  # of the time that the words should take, and of the words
SHORT = 0.6  # of the text's mean word: five words such as "of it as a" take the time of three


def leave_out(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Cut ``dose`` words out of the middle."""
    x, rate = speech(material)
    first, after = words_at(material, round(dose), rng)
    start, end = cut(material, rate, first), cut(material, rate, after)
    return give(material, join([x[:start], x[end:]], rate), start / rate, start / rate)


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
        return agreed(view, _by_ear, lambda found: missing(found, at_end=False), _without_a_trace)


def _by_ear(heard: Heard) -> Seen:
    worst = max(heard.regions[:-1], key=lambda region: _lost(heard, region), default=None)
    return Seen(0.0) if worst is None or _lost(heard, worst) <= 0 else _seen(heard, worst)


def _without_a_trace(heard: Heard) -> Seen:
    """A row of words of which neither a word was heard nor the time is there: sure enough without the aligner.

    Of 738 healthy takes of the embedded voice two looked so that had every word; there the time was close by.
    """
    for place, region in enumerate(heard.regions[:-1]):
        unmatched = region.text[1] - region.text[0]
        there = close_by(heard.regions, place, place + 1, lambda one: -one.missing)
        gone = region.missing - there >= GONE * region.expected
        if unmatched >= ROW and gone and region.heard[1] - region.heard[0] <= (1 - GONE) * unmatched:
            return _seen(heard, region)
    return Seen(0.0)


def _lost(heard: Heard, region: Region) -> float:
    """Words of the stretch that there was no time for."""
    unmatched = region.text[1] - region.text[0]
    usual = min(max(region.expected / max(unmatched, 1), SHORT * heard.mean_word), heard.mean_word)
    return min(float(unmatched), region.missing / max(usual, 1e-6))


def _seen(heard: Heard, region: Region) -> Seen:
    words = quote(heard.text[slice(*region.text)])
    return Seen(_lost(heard, region), region.span, f"{words} not heard, {region.missing:.2f} s short")
