"""What is spoken for the bench: a text as written, and what the engine is given to say instead.

Texts are those of any corpus (``--corpus``) from any chunk on: limits and prices were chosen on ``book``, on its first
90 chunks and in part on misses among the others. ``held_out.jsonl`` was written afterwards and chose nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.core.errors import ConfigError, nearest
from harness.corpora import load_corpus

ENGINES = ("hibari", "flite-slt", "flite-rms", "piper")
FEWEST, MOST = 8, 34  # words of a text
COUNTS = {
    "clean": 300,
    "one-omitted": 100,
    "one-inserted": 100,
    "one-repeated": 100,
    "two-omitted": 34,
    "two-inserted": 33,
    "two-repeated": 33,
    "last-word": 100,
    "last-sentence": 100,
    "number": 80,
    "german": 34,
    "japanese": 33,
    "russian": 33,
}
LANGUAGES = {"german": "de", "japanese": "ja", "russian": "ru"}
TEMPLATES = (
    "The bill came to {} pounds, and nobody at the table spoke.",
    "She had waited {} minutes before the bus turned the corner.",
    "There were {} steps from the street to the door.",
    "He wrote {} letters that winter, and kept a copy of each.",
    "The road climbs for {} miles and then falls to the sea.",
    "They counted {} sheep on the hill before the rain began.",
    "The old clock had stopped {} years ago and never been mended.",
    "Put {} grams of flour into the bowl and stir it slowly.",
    "About {} people stood in the square when the music ended.",
    "The ship carried {} men and not one of them could swim.",
)
GAP = "{}"  # in a text: where a number goes; such texts serve the kind "number" only
NUMBERS = (*range(12, 100), *range(110, 1000, 37))


@dataclass(frozen=True, slots=True)
class Copy:
    """One clip to be made. ``said`` is spoken for ``text``; ``at`` are the words of ``text`` that differ.

    ``parts``: spoken one behind the other, with speech of ``language`` in between, instead of ``said`` as a whole.
    """

    id: str
    kind: str
    engine: str
    text: str
    said: str
    at: tuple[int, int]
    parts: tuple[str, ...] = ()
    language: str = ""


def counts_of(written: str | None) -> dict[str, int]:
    """Return how many copies of each kind are wanted: ``clean=100,number=48``; None: the usual ones.

    Raises ConfigError for a kind that is none, with the nearest one, and for what is no number.
    """
    if written is None:
        return COUNTS
    counts: dict[str, int] = {}
    for part in written.split(","):
        kind, _, count = part.partition("=")
        if kind not in COUNTS or not count.isdecimal():
            raise ConfigError(f"--counts {part}: KIND=NUMBER is wanted{nearest(kind, COUNTS)}")
        counts[kind] = int(count)
    return {kind: counts[kind] for kind in COUNTS if kind in counts}


def copies(corpus: str, first: int = 1, last: int | None = None, counts: Mapping[str, int] = COUNTS) -> list[Copy]:
    """Return all copies, the kinds mixed, so that the first n hold about the same share of each.

    ``corpus``: as a run takes it; its chunks ``first`` to ``last``, counted from 1, are spoken.
    """
    texts = _texts(corpus, first, last)
    drawn: list[tuple[float, Copy]] = []
    templates = [text for text in texts if GAP in text] or TEMPLATES
    texts = [text for text in texts if GAP not in text]
    for kind, count in counts.items():
        offset = list(COUNTS).index(kind)
        source = [text for text in texts if len(_sentences(text)) > 1] if kind == "last-sentence" else texts
        for number in range(count):
            draw = random.Random(f"{kind} {number}" if corpus == "book" else f"{corpus} {kind} {number}")
            text = source[(number * 7 + offset * 13) % len(source)]
            engine = ENGINES[number % len(ENGINES)]
            if kind == "number":
                copy = _with_number(number, engine, templates[number % len(templates)], draw)
            else:
                copy = _copy(kind, number, engine, text, draw, texts)
            drawn.append(((number + 0.5) / count, copy))
    return [copy for _, copy in sorted(drawn, key=lambda pair: (pair[0], pair[1].id))]


def _texts(corpus: str, first: int, last: int | None) -> list[str]:
    chunks = load_corpus(corpus).chunks[first - 1 : last]
    plain = [" ".join(chunk.text.split()) for chunk in chunks]
    return [text for text in plain if FEWEST <= len(text.split()) <= MOST or GAP in text]


def _with_number(number: int, engine: str, template: str, draw: random.Random) -> Copy:
    meant, spoken = draw.sample(NUMBERS, 2)
    place = template.split().index(GAP)
    texts = (template.replace(GAP, str(one)) for one in (meant, spoken))
    return Copy(f"number-{number:03d}", "number", engine, *texts, (place, place + 1))


def _copy(kind: str, number: int, engine: str, text: str, draw: random.Random, texts: Sequence[str]) -> Copy:
    words = text.split()
    said, at = _EDITS[kind](words, draw, texts) if kind in _EDITS else (words, (0, 0))
    copy = Copy(f"{kind}-{number:03d}", kind, engine, text, " ".join(said), at)
    if kind not in LANGUAGES:
        return copy
    middle = draw.randrange(3, len(words) - 2)
    parts = (" ".join(words[:middle]), " ".join(words[middle:]))
    return Copy(copy.id, kind, engine, text, text, (middle, middle), parts, LANGUAGES[kind])


Edited = tuple[list[str], tuple[int, int]]


def _omit(width: int) -> Callable[[list[str], random.Random, Sequence[str]], Edited]:
    def edit(words: list[str], draw: random.Random, texts: Sequence[str]) -> Edited:
        first = draw.randrange(1, len(words) - width)
        return words[:first] + words[first + width :], (first, first + width)

    return edit


def _repeat(width: int) -> Callable[[list[str], random.Random, Sequence[str]], Edited]:
    def edit(words: list[str], draw: random.Random, texts: Sequence[str]) -> Edited:
        first = draw.randrange(1, len(words) - width)
        after = first + width
        bare = re.sub(r"[.,;:!?]+$", "", words[after - 1])
        return [*words[: after - 1], bare, *words[first:]], (first, after)

    return edit


def _insert(width: int) -> Callable[[list[str], random.Random, Sequence[str]], Edited]:
    def edit(words: list[str], draw: random.Random, texts: Sequence[str]) -> Edited:
        first = draw.randrange(1, len(words) - 1)
        others = sorted({w for text in texts for w in text.split() if w.isalpha() and w.islower() and len(w) > 2})
        new = draw.sample([w for w in others if w not in words], width)
        return words[:first] + new + words[first:], (first, first)

    return edit


def _last_word(words: list[str], draw: random.Random, texts: Sequence[str]) -> Edited:
    return words[:-1], (len(words) - 1, len(words))


def _last_sentence(words: list[str], draw: random.Random, texts: Sequence[str]) -> Edited:
    kept = sum(len(sentence.split()) for sentence in _sentences(" ".join(words))[:-1])
    return words[:kept], (kept, len(words))


_EDITS: dict[str, Callable[[list[str], random.Random, Sequence[str]], Edited]] = {
    "one-omitted": _omit(1),
    "two-omitted": _omit(2),
    "one-repeated": _repeat(1),
    "two-repeated": _repeat(2),
    "one-inserted": _insert(1),
    "two-inserted": _insert(2),
    "last-word": _last_word,
    "last-sentence": _last_sentence,
}


def _sentences(text: str) -> list[str]:
    return list(_split(text))


def _split(text: str) -> Iterator[str]:
    for sentence in re.split(r'(?<=[.!?])["”]?\s+(?=["“]?[A-Z])', text):
        if sentence.strip():
            yield sentence
