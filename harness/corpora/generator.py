"""Books of any length from a seed: a small grammar in past-tense English, the same bytes on every machine.

Only ``random.Random.random`` is drawn from, whose sequence for a seed Python guarantees; ``choice`` and ``shuffle``
carry no such promise. A book of more chunks begins with the shorter book of the same seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from harness.core.errors import CorpusError
from harness.core.records import Chunk, Corpus
from harness.corpora.corpus import make_corpus
from harness.corpora.lexicon import MEN, SURNAMES, TITLES, WOMEN, WORDS

MIN_WORDS, MAX_WORDS = 8, 60
MAX_CHUNKS = 100_000
CHUNKS_PER_CHAPTER = 30
SENTENCE_KINDS: tuple[str, ...] = (
    "{who} {went} {place} {when}.",
    "{when}, {who} {went} {place}, and {weather}.",
    "{who} {handled} the {adj} {thing} {how}, {reason}.",
    "{when}, {who} {handled} a {adj} {thing} and {did}.",
    "{who} {did}, {handled} the {thing} {how}, and {went} {place}.",
    "The {adj} {thing} {state}.",
    "In {room}, the {thing} {state}, and beside it stood a {adj} {thing2}.",
    "{when}, {weather}, and the {animal} {animal_did}.",
    "The {animal} {animal_did}.",
    "A {animal} {animal_did} near {place}, {reason}.",
    "There were {number} {things} in {room}, and {who} {handled} only one of them.",
    "There was a {adj} {thing} in {room}, which {state}.",
    '"{asked}" {who} asked.',
    '"{asked}" asked {friend}, and {who} {did}.',
    '"{stated}," said {friend} {how}.',
    '"{stated}," {who} said. "{answered}," said {friend}.',
    '{when}, {title} came to {place} with {number} {things}. "{stated}," said {title} {how}.',
    "{who} knew that {thought}.",
    "It seemed to {friend} that {thought}, {reason}.",
    "{reason}, {friend} {handled} the {thing} and {did}.",
    "{friend} {did} while {who} {handled} the {adj} {thing}.",
    "By the time {weather}, {who} had {number} {things} and no {adj} {thing} at all.",
    "Nobody at {place} remembered the {adj} {thing}, but {title} {did}.",
    "{weather}, so {who} and {friend} stayed in {room} until {title} {went} {place}.",
    "If {thought}, then the {thing} in {room} had to wait.",
    "Between {place} and {place2}, {who} counted {number} {things}, one of them {adj}.",
)
SLOT = re.compile(r"\{(\w+)\}")
ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])")
SENTENCE_START = re.compile(r'(^"?|[.!]"? "?|\? "?)([a-z])')


class _Chapter:
    """The people of one chapter and the drawing of words; people change from chapter to chapter."""

    def __init__(self, draw: _Draw) -> None:
        self._draw = draw
        woman_leads = draw.chance(0.5)
        self.hero = draw.one(WOMEN if woman_leads else MEN)
        self.pronoun = "she" if woman_leads else "he"
        self.friend = draw.one(MEN if woman_leads else WOMEN)
        self.surname = draw.one(SURNAMES)

    def sentence(self, first: bool) -> str:
        """Return one sentence; the hero is named in the first of a chunk and may be a pronoun later."""
        named = first or self._draw.chance(0.3)
        full = f"{self.hero} {self.surname}" if self._draw.chance(0.1) else self.hero
        fixed = {"who": full if named else self.pronoun, "friend": self.friend, "title": self._draw.one(TITLES)}
        text = self._fill(self._draw.one(SENTENCE_KINDS), fixed)
        text = ARTICLE.sub(r"\1n ", text)
        return SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)

    def _fill(self, template: str, fixed: dict[str, str]) -> str:
        def word(match: re.Match[str]) -> str:
            name = match[1]
            if name not in fixed:
                used = fixed.get(name.rstrip("2"))
                fixed[name] = self._draw.other(WORDS[name.rstrip("2")], used)
            return self._fill(fixed[name], fixed)

        return SLOT.sub(word, template)


class _Draw:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def one(self, items: Sequence[str]) -> str:
        return items[int(self._random.random() * len(items))]

    def other(self, items: Sequence[str], used: str | None) -> str:
        """Return one item, not ``used``."""
        while (item := self.one(items)) == used:
            pass
        return item

    def between(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))


def generate(seed: int, chunks: int) -> Corpus:
    """Return a generated book of ``chunks`` chunks of 8 to 60 words, no sentence twice.

    Ids are ``generated-<seed>-00001`` and so on, tags ``chapter-1`` and so on.
    Raises CorpusError unless 1 <= chunks <= 100,000 and seed >= 0.
    """
    if seed < 0 or not 1 <= chunks <= MAX_CHUNKS:
        raise CorpusError(
            f"generated: need seed >= 0 and 1 <= chunks <= {MAX_CHUNKS}, got seed={seed}, chunks={chunks}"
        )
    draw = _Draw(seed)
    texts: set[str] = set()
    generated: list[Chunk] = []
    for number in range(1, chunks + 1):
        chapter_number, offset = divmod(number - 1, CHUNKS_PER_CHAPTER)
        if offset == 0:
            chapter = _Chapter(draw)
        text = _chunk(draw, chapter, texts)
        generated.append(Chunk(f"generated-{seed}-{number:05d}", text, "en", (f"chapter-{chapter_number + 1}",)))
    return make_corpus("generated", generated, f"generated:seed={seed},chunks={chunks}")


def _chunk(draw: _Draw, chapter: _Chapter, seen: set[str]) -> str:
    """Sentences until a drawn length is reached; a sentence that was there before is drawn again."""
    aim = draw.between(MIN_WORDS, 46)
    words: list[str] = []
    while len(words) < aim:
        sentence = chapter.sentence(first=not words)
        if sentence in seen or len(words) + len(sentence.split()) > MAX_WORDS:
            continue
        seen.add(sentence)
        words += sentence.split()
    return " ".join(words)
