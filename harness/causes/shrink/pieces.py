"""A text in pieces that can be left out: sentences, clauses, words, tags, and the marks and digits of a word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.core.records import Chunk
from harness.text import count_words, is_unspaced
from harness.text.markup import mark_spans, without_markup
from harness.text.sentences import Border, border_after


class Level(StrEnum):
    """What is left out at a time, the largest first."""

    SENTENCES = "sentences"
    CLAUSES = "clauses"
    WORDS = "words"
    TAGS = "tags"
    CHARACTERS = "characters"


@dataclass(frozen=True)
class TextPiece:
    """A run of characters without a blank, or a tag; ``gap`` is the white space behind it."""

    text: str
    gap: str
    tag: bool = False


_TAG_NAME = re.compile(r"<(/?)([A-Za-z][\w:.-]*)[^<>]*?(/?)>")


def pieces_of(text: str, language: str) -> tuple[TextPiece, ...]:
    """Cut a text into words and tags; where words are not set apart, each character is a piece."""
    spans: list[tuple[int, int, bool]] = []
    end = 0
    for start, stop in [*mark_spans(text), (len(text), len(text))]:
        spans += [(end + match.start(), end + match.end(), False) for match in re.finditer(r"\S+", text[end:start])]
        spans += [(start, stop, True)] if stop > start else []
        end = stop
    pieces: list[TextPiece] = []
    for (start, stop, tag), following in zip(spans, [*[span[0] for span in spans[1:]], len(text)], strict=True):
        letters = [text[start:stop]] if tag or not is_unspaced(language) else list(text[start:stop])
        pieces += [TextPiece(letter, "", tag) for letter in letters[:-1]]
        pieces.append(TextPiece(letters[-1], text[stop:following], tag))
    return tuple(pieces)


def joined(pieces: Sequence[TextPiece]) -> str:
    """Return the text of the pieces; white space at its ends is dropped."""
    return "".join(piece.text + piece.gap for piece in pieces).strip()


def groups(pieces: Sequence[TextPiece], level: Level) -> list[tuple[int, ...]]:
    """Return the places of the words that go together at a level of sentences, clauses or words, in order."""
    words = [number for number, piece in enumerate(pieces) if not piece.tag]
    if level is Level.WORDS:
        return [(number,) for number in words]
    least = Border.SENTENCE if level is Level.SENTENCES else Border.CLAUSE
    whole: list[tuple[int, ...]] = []
    part: list[int] = []
    for number, following in zip(words, [*words[1:], None], strict=True):
        part.append(number)
        if following is None or _border(pieces[number], pieces[following]) >= least:
            whole.append(tuple(part))
            part = []
    return whole


def _border(piece: TextPiece, following: TextPiece) -> Border:
    return Border.PARAGRAPH if "\n\n" in piece.gap else border_after(piece.text, following.text)


def tag_groups(pieces: Sequence[TextPiece]) -> list[tuple[int, ...]]:
    """Return the places of the tags that go together: an element's two ends, or a tag that stands alone."""
    together: list[tuple[int, ...]] = []
    opened: list[tuple[str, int]] = []
    for number, piece in enumerate(pieces):
        if not piece.tag:
            continue
        match = _TAG_NAME.fullmatch(piece.text)
        if match is None or match[3]:
            together.append((number,))
        elif not match[1]:
            opened.append((match[2], number))
        elif opened and opened[-1][0] == match[2]:
            together.append((opened.pop()[1], number))
        else:
            together.append((number,))
    return sorted([*together, *((number,) for _, number in opened)])


def without(pieces: Sequence[TextPiece], dropped: Collection[int]) -> tuple[TextPiece, ...]:
    """Return the pieces that are left when those at the places ``dropped`` are taken out; words stay set apart."""
    left: list[TextPiece] = []
    for number, piece in enumerate(pieces):
        if number not in dropped:
            left.append(piece)
        elif left and not left[-1].gap:
            left[-1] = replace(left[-1], gap=piece.gap)
    return tuple(left)


def marks_of(pieces: Sequence[TextPiece]) -> list[tuple[int, int]]:
    """Return (piece, character) of the marks and digits that can be left out of a word that stays speakable."""
    return [(number, at) for number, piece in enumerate(pieces) if not piece.tag for at in _marks(piece.text)]


def _marks(word: str) -> Iterator[int]:
    digits = sum(letter.isdigit() for letter in word)
    for at, letter in enumerate(word):
        inside = 0 < at < len(word) - 1 and word[at - 1].isalpha() and word[at + 1].isalpha()
        if (letter.isdigit() and digits > 1) or (not letter.isalnum() and not inside and not _combines(letter)):
            yield at


def _combines(letter: str) -> bool:
    return unicodedata.category(letter).startswith("M")


def without_marks(pieces: Sequence[TextPiece], dropped: Collection[tuple[int, int]]) -> tuple[TextPiece, ...]:
    """Return the pieces without the characters at ``dropped``; a word of which nothing is left is gone."""
    cut = [
        replace(piece, text="".join(c for at, c in enumerate(piece.text) if (number, at) not in dropped))
        for number, piece in enumerate(pieces)
    ]
    return tuple(piece for piece in cut if piece.text)


def can_be_cut(chunk: Chunk) -> bool:
    """Return whether what should be heard of a part of the text is known: nothing else than the text is expected."""
    return not chunk.expected or chunk.expected.split() == without_markup(chunk.text).split()


def cut_chunk(chunk: Chunk, text: str) -> Chunk | None:
    """Return the chunk with a shorter text under the same id, or None where nothing is left to speak."""
    if not count_words(text):
        return None
    expected = " ".join(without_markup(text).split()) if chunk.expected else ""
    return replace(chunk, text=text, expected=expected)


def text_without(text: str, part: str) -> str:
    """Return the words of a text that are not those of ``part``, which are a part of it in order, marks apart."""
    left, wanted = [], [_letters(word) for word in part.split()]
    for word in text.split():
        if wanted and _letters(word) and wanted[0] in _letters(word):
            wanted.pop(0)
        else:
            left.append(word)
    return " ".join(left)


def _letters(word: str) -> str:
    return "".join(letter for letter in word if letter.isalnum())
