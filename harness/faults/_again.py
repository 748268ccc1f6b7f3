"""Words that were heard although the text had no place left for them, and what text they do match."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from harness.faults._heard import Heard, Region, match, quote
from harness.faults.base import Seen

MOST_ROUNDS = 12
SPREAD = 2  # words that a word heard again may stand for: the recognizer misses about as many
LEAST_LETTERS = 12  # of fewer, one in fifty is found in any text
LEAST_ALIKE = 75.0  # % of the letters; 12 of an unrelated passage of the book reach that once in a hundred times
FASTEST = 25.0  # letters a second; more in less time stand at the wrong place
LEAST_SHARE = 1 / 3  # of what was heard between two anchors: less is a few common words among many others


def heard_again(heard: Heard, text: Sequence[str], rounds: int = MOST_ROUNDS, letters: int = 0) -> list[int]:
    """Indices of left-over hypothesis words that match ``text`` in pairs or longer, each at most once.

    A pair needs ``letters`` letters in all, to keep "of the" from matching anything.
    """
    used = {j for _, j in heard.pairs}
    left = [j for j in range(len(heard.words)) if j not in used]
    found: list[int] = []
    for _ in range(rounds):
        hits = {(i, left[k]) for i, k, _ in match(tuple(text), tuple(heard.words[j] for j in left))}

        def paired(i: int, j: int, held: frozenset[tuple[int, int]]) -> bool:
            for other in ((i - 1, j - 1), (i + 1, j + 1)):
                if other in held and len(heard.words[j]) + len(heard.words[other[1]]) >= letters:
                    return True
            return False

        new = {j for i, j in hits if paired(i, j, frozenset(hits))}
        if not new:
            break
        found += new
        left = [j for j in left if j not in new]
    return sorted(found)


def echoed(heard: Heard) -> list[int]:
    """Indices of left-over hypothesis words that were heard before, word for word, in a run of two or more.

    A recognizer that mishears a word mishears it alike when it comes again: no text matches then, but its own words do.
    """
    used = {j for _, j in heard.pairs}
    words = heard.words
    earlier: set[tuple[str, str]] = set()
    found: set[int] = set()
    for j in range(len(words) - 1):
        if j >= 2:
            earlier.add((words[j - 2], words[j - 1]))
        if (words[j], words[j + 1]) in earlier:
            found |= {j, j + 1} - used
    return sorted(found)


def seen_again(heard: Heard, again: Collection[int], said: str) -> Seen:
    """Evidence of the hypothesis words ``again``: how many too many, from the first to the last; ``said`` of them."""
    if not again:
        return Seen(0.0)
    places = sorted(again)
    span = (heard.times[places[0]][0], heard.times[places[-1]][1])
    return Seen(words_again(heard, places), span, f"{quote([heard.words[i] for i in places])}{said}")


def words_again(heard: Heard, again: Sequence[int]) -> float:
    """How many words too many that is, as far as there is time for them between the anchors around them."""
    total = 0.0
    for region in heard.regions:
        inside = sum(region.heard[0] <= index < region.heard[1] for index in again)
        if inside >= LEAST_SHARE * (region.heard[1] - region.heard[0]):
            total += min(SPREAD * inside, max(0.0, -region.missing) / max(heard.mean_word, 1e-6))
    return total


def regions_alike(heard: Heard, text: str, own: str = "") -> list[Region]:
    """Stretches with speech too many whose letters, run together, are found in ``text`` rather than in ``own``.

    Letters, because a recognizer that gets every word of a splice a little wrong still writes down its sounds: of 29
    splices of 2.5 s each matched the text before by 81% or more, and no other passage of the book by more than 60%.
    """
    from rapidfuzz.fuzz import partial_ratio

    found = []
    for region, said in _too_many(heard):
        alike = partial_ratio(said, _letters(text), score_cutoff=LEAST_ALIKE)
        if alike > partial_ratio(said, _letters(own)):
            found.append(region)
    return found


def regions_twice(heard: Heard) -> list[Region]:
    """Stretches with speech too many whose second half, by letters, says again what the first half says."""
    from rapidfuzz.fuzz import partial_ratio

    halves = [(region, said[: len(said) // 2], said[len(said) // 2 :]) for region, said in _too_many(heard)]
    return [
        region
        for region, first, second in halves
        if len(first) >= LEAST_LETTERS and partial_ratio(first, second) >= LEAST_ALIKE
    ]


def heard_in(regions: Iterable[Region]) -> set[int]:
    """Indices of the hypothesis words of these stretches."""
    return {index for region in regions for index in range(*region.heard)}


def _too_many(heard: Heard) -> Iterator[tuple[Region, str]]:
    """Stretches with speech too many, long enough to hold what was heard in them, and its letters run together."""
    for region in heard.regions:
        said = _letters(" ".join(heard.words[slice(*region.heard)]))
        if region.missing < 0 and LEAST_LETTERS <= len(said) <= FASTEST * region.seconds:
            yield region, said


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
