"""Inserted words: speech that is not in the text, between words that are."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.faults._heard import Region, close_by, laid, quote
from harness.faults._inject import cut, give, join, speech, words, words_at
from harness.faults.base import BaseFault, CannotInject, Family, Material, Seen, Source
from harness.types import Relation, View

HARMLESS = 0.5  # s missing: a reading is not that even
WIDEST = 3  # stretches between anchors
WIDER = 0.2  # s that a wider one must add
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
        heard = laid(view)
        best = Seen(0.0)
        for first, after in _windows(heard.regions):
            inside = heard.regions[first:after]
            elsewhere = close_by(heard.regions, first, after, lambda region: region.missing)
            seconds = -sum(region.missing for region in inside) - (elsewhere if elsewhere > HARMLESS else 0.0)
            if seconds > best.value + (WIDER if after - first > 1 else 0.0):
                words = heard.words[inside[0].heard[0] : inside[-1].heard[1]]
                span = (inside[0].span[0], inside[-1].span[1])
                best = Seen(seconds, span, f"{seconds:.2f} s too many, {_heard_as(words)}")
        return best


def _heard_as(words: Sequence[str]) -> str:
    return f"heard as {quote(words)}" if words else "in which no word was heard"


def _windows(regions: Sequence[Region]) -> Iterator[tuple[int, int]]:
    """Up to three stretches in a row, narrow ones first: a word heard by chance may stand within what was put in."""
    tail = regions[-1].text[1] - regions[-1].text[0] < LOST  # it goes on after the last word
    last = len(regions) - tail
    for width in range(1, WIDEST + 1):
        for first in range(last - width + 1):
            yield first, first + width
