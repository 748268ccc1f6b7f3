"""Loop: words, a phrase or the whole text spoken again."""

from harness.faults._heard import Heard, hear, match, need_times, quote
from harness.faults.base import BaseFault, Family, Seen, Source
from harness.types import Relation, Span, View

MOST_ROUNDS = 12
LEAST_SHARE = 1 / 3  # of what was heard between two anchors
SPREAD = 2  # words that a word heard again may stand for: the recognizer misses about as many


class Loop(BaseFault):
    name = "loop"
    title = "words, a phrase or the whole text spoken again"
    family = Family.TRANSCRIPT
    causes = ("the model lost its place", "attention jumped back", "the end of speech was missed")
    observes = ("intelligibility", "signal")
    unit = "words heard again, by transcript and by time"
    relation = Relation.EXCESS
    default_margin = 2.5
    default_limit = 3.0
    explains = ("gibberish-tail", "inserted-words", "overlong")
    sources = (
        Source("a phrase repeated", "https://github.com/neonbjb/tortoise-tts/issues/237"),
        Source("repeats in excess of the text's own"),
    )

    def measure(self, view: View) -> Seen:
        heard = need_times(hear(view))
        again = _again(heard)
        if not again:
            return Seen(0.0)
        words = 0.0
        for region in heard.regions:
            inside = sum(region.heard[0] <= index < region.heard[1] for index in again)
            if inside < LEAST_SHARE * (region.heard[1] - region.heard[0]):
                continue  # a few common words among many others: something else was inserted
            words += min(SPREAD * inside, max(0.0, -region.missing) / max(heard.mean_word, 1e-6))
        span: Span = (heard.times[again[0]][0], heard.times[again[-1]][1])
        return Seen(words, span, f"{quote([heard.words[i] for i in again])} heard again")


def _again(heard: Heard) -> list[int]:
    """Indices of hypothesis words that the text has used up already and that match it once more, in pairs or longer."""
    used = {j for _, j in heard.pairs}
    left = [j for j in range(len(heard.words)) if j not in used]
    found: list[int] = []
    for _ in range(MOST_ROUNDS):
        hits = [(i, left[k]) for i, k, _ in match(heard.text, tuple(heard.words[j] for j in left))]
        held = set(hits)
        new = [j for i, j in hits if (i - 1, j - 1) in held or (i + 1, j + 1) in held]
        if not new:
            break
        found += new
        left = [j for j in left if j not in set(new)]
    return sorted(found)
