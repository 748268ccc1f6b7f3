"""Loop: words, a phrase or the whole text spoken again."""

from collections.abc import Sequence

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import SCORER, heard_edits, is_again, likeliest, quoted, says_more
from harness.detectors._inject import crossfade, give, speech, word_start, words, words_at
from harness.detectors._origin import ALIKE, are_of, heard_twice, likeness
from harness.detectors._stretches import unexplained_speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    required_payload,
)


def say_again(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Speak ``dose`` words of the middle once more."""
    x, rate = speech(material)
    first, after = words_at(material, round(dose), rng)
    start, end = word_start(material, rate, first), word_start(material, rate, after)
    return give(material, crossfade([x[:end], x[start:]], rate), end / rate, (2 * end - start) / rate)


ONE_PHRASE = 2  # words
RELUCTANCE = 6.0  # nats; Whisper writes a word that was said twice only once, so much is against writing it again

AFTER_THE_END = 1.6  # nats a second of the text again behind its end
USUAL_TAIL = 1.1  # s; less is a word misheard at the end
A_PHRASE = 3  # words more than are written there: with fewer a misheard word and its neighbour look like a repetition


class Loop(BaseFault):
    name = "loop"
    title = "words, a phrase or the whole text spoken again"
    family = Family.TRANSCRIPT
    causes = ("the model lost its place", "attention jumped back", "the end of speech was missed")
    observes = ("edit_likelihood",)
    unit = "nats by which the audio fits better with words said again, and 6 that are against it"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 0.25
    explains = ("gibberish-tail", "inserted-words", "overlong")
    sources = (
        Citation("a phrase repeated", "https://github.com/neonbjb/tortoise-tts/issues/237"),
        Citation("log-likelihood ratio under Whisper's decoder, by two models (docs/judging.md)"),
    )
    injectors = words((1.0, 2.0, 4.0, 6.0, 10.0), 6.0, say_again)

    def measure(self, view: DetectorInput) -> DetectorValue:
        edits = heard_edits(view)
        text = view.chunk.expected_text
        # Nothing is against writing all of a short text again: of "Yes." alone, Whisper often expects a second one.
        reluctance = RELUCTANCE if len(required_payload(view, SCORER)["words"]) > ONE_PHRASE else 0.0
        value = likeliest(
            edits,
            lambda edit: edit.kind == "repeat" or is_again(edit, text),
            lambda edit: f"{quoted(edit.said or edit.written)} spoken again",
            -reluctance,
        )
        words = DetectorValue((value.value or 0.0) + reluctance, value.span, value.detail)
        misheard = likeliest(
            edits,
            lambda edit: says_more(edit) and _is_again(view, edit.said, len(edit.written)),
            lambda edit: f"{quoted(edit.said)} spoken for {quoted(edit.written)}, words of the text again",
            0.0,
        )
        return max(words, misheard, _foreign_sound(view), key=lambda one: one.value or 0.0)


def _is_again(view: DetectorInput, said: Sequence[str], written: int) -> bool:
    """Whether far more was heard than ``written`` words, and it is of the text, or was heard twice in the clip."""
    if len(said) < written + A_PHRASE:
        return False
    text, heard = view.chunk.expected_text, str(required_payload(view, "intelligibility")["hypothesis"])
    twice = heard_twice(heard, text)
    return are_of(" ".join(said), text) or bool(twice and likeness(twice, " ".join(said)) >= ALIKE)


def _foreign_sound(view: DetectorInput) -> DetectorValue:
    """More sound than the words that stand there take, or behind the last, in which words of the text are heard."""
    best = DetectorValue(0.0)
    for one in unexplained_speech(view):
        heard = one.heard.split()
        if one.at_end:
            again = are_of(one.heard, view.chunk.expected_text)
            value = AFTER_THE_END * (one.too_many - USUAL_TAIL)
        else:
            again, value = _is_again(view, heard, len(one.written.split())), one.foreign
        if again and value > (best.value or 0.0):
            where = " after the end" if one.at_end else ""
            best = DetectorValue(value, one.span, f"{quoted(heard)} spoken again{where}")
    return best
