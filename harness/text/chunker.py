"""Cutting running text into chunks at paragraph, sentence, then clause borders.

No word is ever dropped, changed or moved: the whitespace-separated words of all chunks are those of the text. For
languages written without spaces the same holds of the characters that are not white space.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.text.scripts import LETTERS_PER_WORD, is_unspaced
from harness.text.sentences import CLOSING, ENDING, Border, border_after

PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
CUT_COST = {Border.PARAGRAPH: 0.0, Border.SENTENCE: 1.0, Border.CLAUSE: 12.0, Border.WORD: 40.0}
JOINED_PARAGRAPHS_COST = 2.0
SHORT_COST = 100.0
LENGTH_COST = 4.0


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    words: int
    border: Border  # after the piece
    glued: bool  # written without a space before it


def chunk_text(text: str, max_words: int = 60, min_words: int = 8, language: str = "en") -> list[str]:
    """Return chunks of at most ``max_words`` words, and of at least ``min_words`` where the text allows it.

    Words within a chunk are joined by one space. A single word is never cut, however long it is. In languages written
    without spaces (Japanese, Chinese, Thai, ...) two letters count as a word and long runs are cut between letters.
    Raises ValueError unless 1 <= min_words <= max_words.
    """
    if not 1 <= min_words <= max_words:
        raise ValueError(f"need 1 <= min_words <= max_words, got {min_words} and {max_words}")
    unspaced = is_unspaced(language)
    pieces: list[_Piece] = []
    for paragraph in PARAGRAPH.split(text):
        tokens = list(_tokens(paragraph, max_words, unspaced))
        pieces.extend(_pieces(tokens, max_words))
    return [_join(pieces[start:end]) for start, end in _best_cuts(pieces, max_words, min_words)]


def _tokens(paragraph: str, max_words: int, unspaced: bool) -> Iterator[_Piece]:
    words = paragraph.split()
    for index, word in enumerate(words):
        last = index == len(words) - 1
        border = Border.PARAGRAPH if last else border_after(word, words[index + 1])
        if not unspaced:
            yield _Piece(word, 1, border, glued=False)
            continue
        parts = _unspaced_parts(word, max_words)
        for number, part in enumerate(parts):
            end = border if number == len(parts) - 1 else _unspaced_border(part)
            yield _Piece(part, math.ceil(len(part) / LETTERS_PER_WORD), end, glued=number > 0)


def _unspaced_parts(word: str, max_words: int) -> list[str]:
    """Cut after punctuation with its closing quotes, and wherever a part would be longer than a chunk."""
    marks = re.escape(ENDING[1:] + "、，；：")
    parts = re.findall(rf"[^{marks}]*[{marks}]+[{re.escape(CLOSING)}]*|[^{marks}]+", word)
    size = max_words * LETTERS_PER_WORD
    return [part[at : at + size] for part in parts for at in range(0, len(part), size)]


def _unspaced_border(part: str) -> Border:
    bare = part.rstrip(CLOSING)
    if bare and bare[-1] in ENDING[1:]:
        return Border.SENTENCE
    return Border.CLAUSE if bare and bare[-1] in "、，；：" else Border.WORD


def _pieces(tokens: list[_Piece], max_words: int) -> Iterator[_Piece]:
    """Join tokens into the clauses between borders; a clause longer than a chunk is cut into even parts."""
    run: list[_Piece] = []
    for token in tokens:
        run.append(token)
        if token.border is Border.WORD:
            continue
        total = sum(piece.words for piece in run)
        parts = math.ceil(total / max_words)
        yield from _even_parts(run, parts, max_words)
        run = []


def _even_parts(run: list[_Piece], parts: int, max_words: int) -> Iterator[_Piece]:
    """Parts of about equal length, none longer than ``max_words``."""
    aim = min(max_words, math.ceil(sum(piece.words for piece in run) / parts))
    start, words = 0, 0
    for index, token in enumerate(run):
        if words and words + token.words > aim:
            yield _Piece(_join(run[start:index]), words, Border.WORD, run[start].glued)
            start, words = index, 0
        words += token.words
    yield _Piece(_join(run[start:]), words, run[-1].border, run[start].glued)


def _best_cuts(pieces: list[_Piece], max_words: int, min_words: int) -> list[tuple[int, int]]:
    """Return the cheapest way to cut the pieces into chunks, by dynamic programming over the ends of chunks."""
    best = [0.0] + [math.inf] * len(pieces)
    came_from = [0] * (len(pieces) + 1)
    for end in range(1, len(pieces) + 1):
        words, paragraphs = 0, 0
        for start in range(end - 1, -1, -1):
            words += pieces[start].words
            paragraphs += start < end - 1 and pieces[start].border is Border.PARAGRAPH
            if words > max_words and start < end - 1:
                break
            cost = best[start] + CUT_COST[pieces[end - 1].border] + JOINED_PARAGRAPHS_COST * paragraphs
            cost += LENGTH_COST * (2 * words / max_words - 1) ** 2 + SHORT_COST * (words < min_words)
            if cost < best[end]:
                best[end], came_from[end] = cost, start
    cuts: list[tuple[int, int]] = []
    end = len(pieces)
    while end:
        cuts.append((came_from[end], end))
        end = came_from[end]
    return cuts[::-1]


def _join(pieces: list[_Piece]) -> str:
    parts = [piece.text if piece.glued or not index else f" {piece.text}" for index, piece in enumerate(pieces)]
    return "".join(parts)
