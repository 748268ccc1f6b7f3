"""Loop: words, a phrase or the whole text spoken again."""

import numpy as np

from harness.faults._again import echoed, heard_again, heard_in, regions_alike, regions_twice, seen_again
from harness.faults._forced import agreed, repeated
from harness.faults._heard import Heard
from harness.faults._inject import cut, give, join, speech, words, words_at
from harness.faults.base import BaseFault, Family, Material, Seen, Source
from harness.types import Relation, View


def say_again(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Speak ``dose`` words of the middle once more."""
    x, rate = speech(material)
    first, after = words_at(material, round(dose), rng)
    start, end = cut(material, rate, first), cut(material, rate, after)
    return give(material, join([x[:end], x[start:]], rate), end / rate, (2 * end - start) / rate)


class Loop(BaseFault):
    name = "loop"
    title = "words, a phrase or the whole text spoken again"
    family = Family.TRANSCRIPT
    causes = ("the model lost its place", "attention jumped back", "the end of speech was missed")
    observes = ("intelligibility", "signal")
    unit = "words heard again"
    relation = Relation.EXCESS
    default_margin = 2.5
    default_limit = 3.0
    explains = ("gibberish-tail", "inserted-words", "overlong")
    sources = (
        Source("a phrase repeated", "https://github.com/neonbjb/tortoise-tts/issues/237"),
        Source("repeats in excess of the text's own"),
    )
    injectors = words((1.0, 2.0, 4.0, 6.0, 10.0), 6.0, say_again)

    def measure(self, view: View) -> Seen:
        return agreed(view, _by_ear, repeated, lambda heard: _by_sound(heard, view.chunk.text))


def _by_ear(heard: Heard) -> Seen:
    return seen_again(heard, {*heard_again(heard, heard.text), *echoed(heard)}, " heard again")


def _by_sound(heard: Heard, text: str) -> Seen:
    """Speech too many that has the sounds of the text: sure enough to count where the aligner saw no loop."""
    bare = [region for region in regions_alike(heard, text) if region.text[0] == region.text[1]]
    return seen_again(heard, heard_in([*bare, *regions_twice(heard)]), ": the text again")
