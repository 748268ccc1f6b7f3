"""Skipped words: a stretch of the text is missing, with speech before and after it."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import (
    NOTHING,
    WORDS_TAIL,
    HeardEdit,
    best_gain,
    heard_edits,
    is_missing,
    likeliest,
    quoted,
)
from harness.detectors._inject import crossfade, give, speech, word_start, words, words_at
from harness.detectors.base import BaseFault, Citation, DetectorValue, Family, InjectionMaterial


def leave_out(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Cut ``dose`` words out of the middle."""
    x, rate = speech(material)
    first, after = words_at(material, round(dose), rng)
    start, end = word_start(material, rate, first), word_start(material, rate, after)
    return give(material, crossfade([x[:start], x[end:]], rate), start / rate, start / rate)


class SkippedWords(BaseFault):
    name = "skipped-words"
    title = "words in the middle or at the start were not spoken"
    family = Family.TRANSCRIPT
    causes = ("the model lost its place", "text lost at a seam of the chunker", "a start that was cut")
    observes = ("edit_likelihood",)
    unit = "nats by which the audio fits better without words of the text"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 1.0
    essential = True
    run_tail = WORDS_TAIL
    sources = (
        Citation("the first words are lost", "https://github.com/k2-fsa/sherpa-onnx/issues/1777"),
        Citation("log-likelihood ratio under Whisper's decoder, by two models (docs/judging.md)"),
    )
    injectors = words((1.0, 2.0, 3.0, 5.0, 8.0), 5.0, leave_out)

    def measure(self, view: DetectorInput) -> DetectorValue:
        return likeliest(heard_edits(view), _inside, lambda edit: f"{quoted(edit.written)} not spoken", NOTHING)

    def continuous(self, view: DetectorInput) -> float | None:
        return best_gain(heard_edits(view), _inside)


def _inside(edit: HeardEdit) -> bool:
    return is_missing(edit) and not edit.at_end
