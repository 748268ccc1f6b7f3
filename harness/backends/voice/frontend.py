"""Text to phones: the front end of the embedded voice.

    text -> spoken tokens (``spoken``) -> phones of each word (``pronounce``) -> phone string with pauses

The phone set is that of the voice: CMU phones in lower case, vowels with a stress digit, ``pau`` at both ends and at
punctuation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.backends.voice.abbreviations import LETTER_PHONES
from harness.backends.voice.pronounce import Lexicon
from harness.backends.voice.spoken import Token, text_tokens

PAUSE = "pau"


@dataclass(frozen=True, slots=True)
class PhoneWord:
    """A spoken word or pause (``text`` empty) with its phones."""

    text: str
    phones: tuple[str, ...]
    ends_sentence: bool = False  # only of a pause

    @property
    def is_pause(self) -> bool:
        return not self.text


@dataclass(frozen=True, slots=True)
class Segment:
    """What is spoken in one generation: words and inner pauses, without the pauses at the ends."""

    words: tuple[PhoneWord, ...]

    @property
    def phones(self) -> list[str]:
        """Return phones with ``pau`` at both ends."""
        return [PAUSE, *(p for w in self.words for p in w.phones), PAUSE]

    @property
    def word_spans(self) -> list[tuple[str, int, int]]:
        """Return (word, first phone, one past its last phone), indices into ``phones``."""
        spans, at = [], 1
        for word in self.words:
            if not word.is_pause:
                spans.append((word.text, at, at + len(word.phones)))
            at += len(word.phones)
        return spans


class Frontend:
    """Reads American book English. One instance serves any number of texts, in one thread."""

    def __init__(self, phones: Sequence[str]) -> None:
        """``phones``: the phone set of the voice; a phone outside of it raises ValueError when met."""
        self._known = frozenset(phones)
        self._lexicon = Lexicon()

    def words(self, text: str) -> list[PhoneWord]:
        """Return the spoken words with inner pauses; empty when nothing in the text can be spoken."""
        spoken = text_tokens(text, self._lexicon.words)
        out: list[PhoneWord] = []
        for index, token in enumerate(spoken):
            if token.kind == "pause":
                out.append(PhoneWord("", (PAUSE,), token.ends_sentence))
                continue
            phones = self._phones(token, _neighbour(spoken, index - 1), _neighbour(spoken, index + 1))
            if phones:
                out.append(PhoneWord(token.text.strip("'"), tuple(phones)))
        while out and out[-1].is_pause:
            out.pop()
        return out

    def _phones(self, token: Token, previous: str, following: str) -> list[str]:
        if token.kind == "letter":
            phones = LETTER_PHONES[token.text[0]].split() + (["z"] if token.text.endswith("'s") else [])
        else:
            phones = self._lexicon.pronounce(token.text, previous, following)
        unknown = [p for p in phones if p not in self._known]
        if unknown:
            raise ValueError(f"{token.text!r} needs phones that the voice does not have: {', '.join(unknown)}")
        return phones

    def segments(self, text: str, limit: int = 0, by_sentence: bool = False) -> list[Segment]:
        """Return the text in pieces of at most ``limit`` phones (0: no limit), empty where nothing can be spoken.

        ``by_sentence`` cuts after every sentence first. What is longer is cut at pauses first, else between words.
        """
        words = self.words(text)
        pieces = _sentences(words) if by_sentence else [words]
        if limit > 0:
            pieces = [part for piece in pieces for part in _cut(piece, limit)]
        return [Segment(tuple(piece)) for piece in pieces if piece]


def _neighbour(spoken: list[Token], index: int) -> str:
    if 0 <= index < len(spoken) and spoken[index].kind != "pause":
        return spoken[index].text
    return ""


def _length(words: Sequence[PhoneWord]) -> int:
    return sum(len(w.phones) for w in words) + 2


def _sentences(words: list[PhoneWord]) -> list[list[PhoneWord]]:
    pieces: list[list[PhoneWord]] = [[]]
    for word in words:
        if word.ends_sentence:
            pieces.append([])
        else:
            pieces[-1].append(word)
    return [piece for piece in pieces if piece]


def _cut(words: list[PhoneWord], limit: int) -> list[list[PhoneWord]]:
    if _length(words) <= limit or len(words) < 2:
        return [_trim(words)]
    total = _length(words)
    pieces = -(-total // limit)
    pauses = [i for i, w in enumerate(words) if w.is_pause and 0 < i < len(words) - 1]
    fitting = [i for i in pauses if min(_length(words[:i]), _length(words[i:])) > limit // 5]
    candidates = fitting or [i for i in range(1, len(words)) if not words[i].is_pause]
    wanted = total / pieces * round(pieces / 2) if pieces > 1 else total / 2
    cut = min(candidates, key=lambda i: (abs(_length(words[:i]) - wanted), i))
    return _cut(words[:cut], limit) + _cut(words[cut:], limit)


def _trim(words: list[PhoneWord]) -> list[PhoneWord]:
    start, end = 0, len(words)
    while start < end and words[start].is_pause:
        start += 1
    while end > start and words[end - 1].is_pause:
        end -= 1
    return words[start:end]
