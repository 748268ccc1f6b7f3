"""Loop: words, a phrase or the whole text spoken again."""

import numpy as np

from harness.faults._again import echoed, heard_again, regions_alike, regions_twice, words_again
from harness.faults._forced import agreed, repeated
from harness.faults._heard import laid, quote
from harness.faults._inject import cut, give, join, speech, words, words_at
from harness.faults.base import BaseFault, CannotJudge, Family, Material, Seen, Source
from harness.types import Relation, Span, View


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
        seen = agreed(view, lambda: self._by_ear(view), repeated)
        again = self._alike(view)
        return again if again.value > seen.value else seen

    def _by_ear(self, view: View) -> Seen:
        heard = laid(view)
        again = sorted({*heard_again(heard, heard.text), *echoed(heard)})
        if not again:
            return Seen(0.0)
        span: Span = (heard.times[again[0]][0], heard.times[again[-1]][1])
        return Seen(words_again(heard, again), span, f"{quote([heard.words[i] for i in again])} heard again")

    def _alike(self, view: View) -> Seen:
        """Speech too many that has the sounds of the text: sure enough to count where the aligner saw no loop."""
        try:
            heard = laid(view)
        except CannotJudge:
            return Seen(0.0)
        bare = [region for region in regions_alike(heard, view.chunk.text) if region.text[0] == region.text[1]]
        again = sorted({i for region in (*bare, *regions_twice(heard)) for i in range(*region.heard)})
        if not again:
            return Seen(0.0)
        span: Span = (heard.times[again[0]][0], heard.times[again[-1]][1])
        return Seen(words_again(heard, again), span, f"{quote([heard.words[i] for i in again])}: the text again")
