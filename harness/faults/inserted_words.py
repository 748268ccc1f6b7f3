"""Inserted words: speech that is not in the text, between words that are."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from harness.faults._heard import Region, hear, need_times, quote
from harness.faults._inject import cut, give, join, speech, words, words_at
from harness.faults.base import BaseFault, CannotInject, Family, Material, Seen, Source
from harness.types import Relation, View

NEAR = 5  # anchors: as many may stand at the wrong one of two like places
LOST = 2  # words of the text not heard before the end: what was put in may have come before them


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
    default_margin = 0.8
    default_limit = 1.0
    sources = (Source("the prompt is heard", "https://github.com/SWivid/F5-TTS/issues/85"),)
    injectors = (
        *words((0.3, 0.6, 1.0, 2.0, 4.0), 2.0, babble, unit="s"),
        *words((0.6, 1.0, 2.0), 2.0, foreign_words, unit="s", name="foreign-words"),
    )

    def measure(self, view: View) -> Seen:
        heard = need_times(hear(view))
        best = Seen(0.0)
        for place, region in enumerate(heard.regions):
            if region is heard.regions[-1] and region.text[1] - region.text[0] < LOST:
                continue  # it goes on after the last word: gibberish-tail
            seconds = -region.missing - _moved(heard.regions, place)
            if seconds > best.value:
                words = heard.words[slice(*region.heard)]
                best = Seen(seconds, region.span, f"{seconds:.2f} s too many, {_heard_as(words)}")
        return best


def _heard_as(words: Sequence[str]) -> str:
    return f"heard as {quote(words)}" if words else "in which no word was heard"


def _moved(regions: Sequence[Region], place: int) -> float:
    """Seconds of speech missing close by: an anchor stands at the wrong one of two like words, and nothing is new."""
    before = accumulate(region.missing for region in reversed(regions[max(0, place - NEAR) : place]))
    after = accumulate(region.missing for region in regions[place + 1 : place + 1 + NEAR])
    return max(0.0, *before, *after)
