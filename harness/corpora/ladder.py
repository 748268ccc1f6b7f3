"""A ladder of lengths: texts of 1, 2, 4, 8, ... words, made of the book's own text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.core.errors import CorpusError
from harness.core.records import Chunk, Corpus
from harness.corpora.builtin import load_builtin
from harness.corpora.corpus import make_corpus
from harness.text.sentences import CLOSING, ENDING, OPENING, Border, border_after

TEXTS_PER_STEP = {1: 8, 2: 6, 4: 4}  # short inputs fail in the most ways, so there are several of them
TEXTS_OTHERWISE = 2
LETTERS_OF_A_LONE_WORD = 6


def length_ladder(max_words: int) -> Corpus:
    """Return texts of 1, 2, 4, 8, ... words up to ``max_words``, ids ``ladder-00008-1``, tags ``words-8``.

    Eight texts of one word, six of two, four of four, two of each longer length. A text is a run of whole sentences of
    the book where one of exactly that length exists, else a run of words that begins with a sentence.
    Raises CorpusError when ``max_words`` is below 1 or above the length of the book.
    """
    words = [word for chunk in load_builtin("book").chunks for word in chunk.text.split()]
    if not 1 <= max_words <= len(words):
        raise CorpusError(f"ladder: words must be between 1 and {len(words)} (the length of the book), got {max_words}")
    starts = _sentence_starts(words)
    chunks: list[Chunk] = []
    length = 1
    while length <= max_words:
        texts = _texts(words, starts, length, TEXTS_PER_STEP.get(length, TEXTS_OTHERWISE))
        tags = ("ladder", f"words-{length}")
        chunks += [Chunk(f"ladder-{length:05d}-{number}", text, "en", tags) for number, text in enumerate(texts, 1)]
        length *= 2
    return make_corpus("ladder", chunks, f"ladder:words={max_words}")


def _sentence_starts(words: list[str]) -> list[int]:
    borders = (border_after(word, following) for word, following in pairwise(words))
    ends = [index for index, border in enumerate(borders, 1) if border is Border.SENTENCE]
    return [0, *ends, len(words)]


def _texts(words: list[str], starts: list[int], length: int, count: int) -> list[str]:
    texts: dict[str, None] = {}
    for candidate in _candidates(words, starts, length):
        texts.setdefault(candidate, None)
        if len(texts) == count:
            break
    return list(texts)


def _candidates(words: list[str], starts: list[int], length: int) -> Iterator[str]:
    """First runs of whole sentences, then sentences cut short; single words are taken where they mean something."""
    borders = set(starts)
    for start in starts:
        if start + length in borders:
            yield _sentence(words[start : start + length])
    if length == 1:
        yield from (_sentence([word]) for word in words if len(word) >= LETTERS_OF_A_LONE_WORD and word.isalpha())
    for start in starts:
        if start + length <= len(words):
            yield _sentence(words[start : start + length])


def _sentence(run: list[str]) -> str:
    """Return the run as a text of its own: no stray quotation marks, a capital first, a mark at the end."""
    text = " ".join(run)
    if text.count('"') % 2:
        text = text.replace('"', "")
    text = text if len(run) > 2 else " ".join(word.strip(OPENING + CLOSING) for word in run)
    bare = text.rstrip(CLOSING)
    if bare[-1:] not in ENDING:
        text = bare.rstrip(",;:-") + "."
    return text[:1].upper() + text[1:]
