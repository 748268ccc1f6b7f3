"""Inserted words: speech that is not in the text, between words that are."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import NOTHING, heard_edits, is_added, is_again, likeliest, quoted
from harness.detectors._inject import crossfade, give, speech, word_start, words, words_at
from harness.detectors._stretches import most_foreign, unexplained_speech
from harness.detectors.base import BaseFault, CannotInject, Citation, DetectorValue, Family, InjectionMaterial


def babble(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Insert ``dose`` seconds of the clip's own speech, reversed, between two words."""
    x, rate = speech(material)
    first, _ = words_at(material, 1, rng)
    at, width = word_start(material, rate, first), int(dose * rate)
    strange = np.resize(x[::-1], width)
    return give(material, crossfade([x[:at], strange, x[at:]], rate), at / rate, at / rate + dose)


def foreign_words(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Insert the first ``dose`` seconds of what was spoken before between two words."""
    x, rate = speech(material)
    if material.previous is None:
        raise CannotInject("nothing was spoken before")
    y, other = speech(material.previous)
    if other != rate:
        raise CannotInject("the audio before has another rate")
    first, _ = words_at(material, 1, rng)
    at, piece = word_start(material, rate, first), y[: int(dose * rate)]
    return give(material, crossfade([x[:at], piece, x[at:]], rate), at / rate, at / rate + len(piece) / rate)


class InsertedWords(BaseFault):
    name = "inserted-words"
    title = "speech that is not in the text"
    family = Family.TRANSCRIPT
    causes = ("the voice prompt's text leaks", "words made up", "the previous text is still in the state")
    observes = ("edit_likelihood",)
    unit = "nats by which the audio fits better with further words"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 0.0
    sources = (Citation("the prompt is heard", "https://github.com/SWivid/F5-TTS/issues/85"),)
    injectors = (
        *words((0.3, 0.6, 1.0, 2.0, 4.0), 2.0, babble, unit="s"),
        *words((0.6, 1.0, 2.0), 2.0, foreign_words, unit="s", name="foreign-words"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        edits = heard_edits(view)
        text = view.chunk.expected_text
        words = likeliest(
            edits,
            lambda edit: is_added(edit) and not is_again(edit, text),
            lambda edit: f"{quoted(edit.said)} spoken, which the text does not hold",
            NOTHING,
        )
        return max(words, _without_words(view), key=lambda seen: seen.value)


def _without_words(view: DetectorInput) -> DetectorValue:
    """Sound between two words of the text that is none of them, whatever was heard in it."""
    longest = most_foreign(one for one in unexplained_speech(view) if not one.at_end)
    if longest is None:
        return DetectorValue(NOTHING)
    heard_as = f"heard as {quoted(longest.heard.split())}" if longest.heard else "in which no word was heard"
    return DetectorValue(longest.foreign, longest.span, f"{longest.too_many:.2f} s too many, {heard_as}")
