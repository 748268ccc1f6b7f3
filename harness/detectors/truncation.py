"""Truncation: the end of the text was never spoken."""

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
from harness.detectors._inject import give, speech, word_start, words
from harness.detectors.base import BaseFault, CannotInject, Citation, DetectorValue, Family, InjectionMaterial
from harness.text.characters import letters_and_digits


def lose_the_end(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Cut off the last ``dose`` words."""
    x, rate = speech(material)
    kept = len(material.words) - round(dose)
    if kept < 1:
        raise CannotInject(f"only {len(material.words)} words")
    at = word_start(material, rate, kept)
    return give(material, x[:at], at / rate, at / rate)


class Truncation(BaseFault):
    name = "truncation"
    title = "the end of the text is missing"
    family = Family.TRANSCRIPT
    causes = ("the token cap was reached", "the stop token came early", "audio cut off before it was written")
    observes = ("edit_likelihood",)
    unit = "nats by which the audio fits better without the end of the text"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 2.0
    essential = True
    run_tail = WORDS_TAIL
    sources = (
        Citation("the last sentence is gone", "https://github.com/2noise/ChatTTS/issues/557"),
        Citation("log-likelihood ratio of an end against the next word, by two models (docs/judging.md)"),
    )
    injectors = words((1.0, 2.0, 4.0, 6.0, 10.0), 6.0, lose_the_end)  # the reports' last sentence, a short one

    def measure(self, view: DetectorInput) -> DetectorValue:
        missing = [edit for edit in heard_edits(view) if _of_the_end(edit)]
        if any(_was_heard(edit, view) for edit in missing):
            return DetectorValue(NOTHING)
        return likeliest(heard_edits(view), _of_the_end, lambda edit: f"{quoted(edit.written)} not spoken", NOTHING)

    def continuous(self, view: DetectorInput) -> float | None:
        edits = heard_edits(view)
        gain = best_gain(edits, _of_the_end)
        heard = any(_was_heard(edit, view) for edit in edits if _of_the_end(edit))
        return min(gain, NOTHING) if heard and gain is not None else gain


def _of_the_end(edit: HeardEdit) -> bool:
    return edit.kind == "end" or (is_missing(edit) and edit.at_end)


def _was_heard(edit: HeardEdit, view: DetectorInput) -> bool:
    """Return whether the transcript ends with the words that an edit says were never spoken."""
    written, tail = letters_and_digits(" ".join(edit.written)), ""
    for word in reversed(str((view.payload("intelligibility") or {}).get("hypothesis") or "").split()):
        tail = letters_and_digits(word) + tail
        if len(tail) >= len(written) > 0:
            return tail == written
    return False
