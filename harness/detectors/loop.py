"""Loop: words, a phrase or the whole text spoken again."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import SCORER, are_of, heard_edits, is_again, likeliest, quoted
from harness.detectors._inject import crossfade, give, speech, word_start, words, words_at
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
        return max(words, _after_the_end(view), key=lambda one: one.value or 0.0)


def _after_the_end(view: DetectorInput) -> DetectorValue:
    """Words of the text behind its last word, however much babble follows them."""
    tail = next((one for one in unexplained_speech(view) if one.at_end), None)
    if tail is None or tail.too_many <= USUAL_TAIL or not are_of(tail.heard, view.chunk.expected_text):
        return DetectorValue(0.0)
    return DetectorValue(
        AFTER_THE_END * (tail.too_many - USUAL_TAIL),
        tail.span,
        f"{quoted(tail.heard.split())} spoken again after the end",
    )
