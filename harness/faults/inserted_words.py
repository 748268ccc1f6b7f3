"""Inserted words: speech that is not in the text, between words that are."""

import numpy as np

from harness.faults._heard import hear, need_times, quote
from harness.faults._inject import cut, give, join, speech, words, words_at
from harness.faults.base import BaseFault, CannotInject, Family, Material, Seen, Source
from harness.types import Relation, View


def babble(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Insert ``dose`` seconds of the clip's own speech, reversed, between two words."""
    x, rate = speech(material)
    first, _ = words_at(material, 1, rng)
    at, width = cut(material, rate, first), int(dose * rate)
    strange = np.resize(x[::-1], width)
    return give(material, join([x[:at], strange, x[at:]], rate), at / rate, at / rate + dose)


def foreign_words(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Insert the first ``dose`` seconds of what was spoken before between two words."""
    x, rate = speech(material)
    if material.previous is None:
        raise CannotInject("nothing was spoken before")
    y, other = speech(material.previous)
    if other != rate:
        raise CannotInject("the audio before has another rate")
    first, _ = words_at(material, 1, rng)
    at, piece = cut(material, rate, first), y[: int(dose * rate)]
    return give(material, join([x[:at], piece, x[at:]], rate), at / rate, at / rate + len(piece) / rate)


class InsertedWords(BaseFault):
    name = "inserted-words"
    title = "speech that is not in the text"
    family = Family.TRANSCRIPT
    causes = ("the voice prompt's text leaks", "words made up", "the previous text is still in the state")
    observes = ("intelligibility", "signal")
    unit = "s of speech too many between two words"
    relation = Relation.EXCESS
    default_margin = 1.0
    default_limit = 1.2
    sources = (Source("the prompt is heard", "https://github.com/SWivid/F5-TTS/issues/85"),)
    injectors = (
        *words((0.3, 0.6, 1.0, 2.0, 4.0), 2.0, babble, unit="s"),
        *words((0.6, 1.0, 2.0), 2.0, foreign_words, unit="s", name="foreign-words"),
    )

    def measure(self, view: View) -> Seen:
        heard = need_times(hear(view))
        best = Seen(0.0)
        for region in heard.regions[:-1]:
            seconds = -region.missing
            if region.heard[1] > region.heard[0] and seconds > best.value:
                what = quote(heard.words[region.heard[0] : region.heard[1]])
                best = Seen(seconds, region.span, f"{seconds:.2f} s too many, heard as {what}")
        return best
