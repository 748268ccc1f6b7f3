"""Edits of a text that could explain what is heard: a word left out, said twice, put in, or said otherwise.

Pure functions over words. Each edit comes with several ways to write it, since an edit moves capitals and stops: the
recognizer's score of the best of them counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import Levenshtein

from harness.text.characters import letters_and_digits

STOPS = ".,;:!?"
QUOTES = "\"'“”‘’«»„()[]{}-–—"


class EditKind(StrEnum):
    """What an edit does to the text as written."""

    OMIT = "omit"  # words are not spoken
    REPEAT = "repeat"  # words are spoken again at once
    INSERT = "insert"  # words that are not in the text are spoken
    REPLACE = "replace"  # other words are spoken
    END = "end"  # the text ends early


@dataclass(frozen=True, slots=True)
class Spelling:
    """Words [first, after) of the text written as ``words``."""

    first: int
    after: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordEdit:
    """One edit at words [first, after) of the text; ``said`` is what would be spoken there instead or in addition."""

    kind: EditKind
    first: int
    after: int
    said: tuple[str, ...] = ()

    def spellings(self, words: Sequence[str]) -> Iterator[Spelling]:
        """Yield the ways to write the edited text."""
        if self.kind is EditKind.OMIT:
            yield from _without(words, self.first, self.after)
        elif self.kind is EditKind.REPEAT:
            yield from _twice(words, self.first, self.after)
        else:
            yield from _with(words, self.first, self.after, self.said)


def everywhere(words: Sequence[str], runs: int = 1) -> Iterator[WordEdit]:
    """Yield each run of up to ``runs`` words left out and said twice. The end of the text is another question."""
    for width in range(1, runs + 1):
        for first in range(len(words) - width + 1):
            after = first + width
            if after < len(words):
                yield WordEdit(EditKind.OMIT, first, after)
            yield WordEdit(EditKind.REPEAT, first, after)


def as_heard(words: Sequence[str], heard: Sequence[str], same: Callable[[str, str], bool]) -> Iterator[WordEdit]:
    """Yield what would turn the text into what was heard, place by place.

    ``same`` says whether two pieces of text are two ways to write the same words; those are no edits.
    """
    for first, after, start, end in word_differences(words, heard):
        written, said = list(words[first:after]), list(heard[start:end])
        if same(" ".join(written), " ".join(said)):
            continue
        extra = _beside(written, said, same) if written else None
        if extra is None:
            yield from _explanations(words, first, after, said)
        else:
            at = after if extra[1] else first
            yield repetition(words, at, extra[0]) or WordEdit(EditKind.INSERT, at, at, extra[0])


def _beside(
    written: Sequence[str], said: Sequence[str], same: Callable[[str, str], bool]
) -> tuple[tuple[str, ...], bool] | None:
    """Return what was heard beside the words as written, in another spelling, and whether behind them; else None."""
    for width in range(1, len(said)):
        if same(" ".join(written), " ".join(said[width:])):
            return tuple(said[:width]), False
        if same(" ".join(written), " ".join(said[:width])):
            return tuple(said[width:]), True
    return None


def as_spelled(words: Sequence[str], heard: Sequence[str], same: Callable[[str, str], bool]) -> tuple[str, ...]:
    """Return the words in the recognizer's own spelling where it heard them as written, else without quotation marks.

    A recognizer has a taste in capitals, stops and numbers; held against it, healthy speech looks unlikely. Words that
    it joined stand at the first of them, the others are empty.
    """
    spelled = [word.strip(QUOTES) or word for word in words]
    place = spoken = 0
    for first, after, start, end in [*word_differences(words, heard), (len(words), len(words), len(heard), len(heard))]:
        spelled[place:first] = heard[spoken:start]
        if first < after and start < end and same(" ".join(words[first:after]), " ".join(heard[start:end])):
            shared = min(after - first, end - start) - 1
            spelled[first:after] = [
                *heard[start : start + shared],
                " ".join(heard[start + shared : end]),
                *[""] * (after - first - shared - 1),
            ]
        place, spoken = after, end
    return tuple(spelled)


def last_heard(words: Sequence[str], heard: Sequence[str], same: Callable[[str, str], bool]) -> int:
    """Return the number of words up to the last one that was heard as written; 0 where none was."""
    last = place = 0
    for first, after, start, end in word_differences(words, heard):
        if first > place:
            last = first
        if after > first and end > start and same(" ".join(words[first:after]), " ".join(heard[start:end])):
            last = after
        place = after
    return len(words) if place < len(words) else last


def word_differences(words: Sequence[str], heard: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield each stretch of words [first, after) in whose place [start, end) was heard, by Levenshtein alignment."""
    blocks = Levenshtein.opcodes(
        [letters_and_digits(word) for word in words], [letters_and_digits(word) for word in heard]
    )
    place: tuple[int, int, int, int] | None = None
    for block in blocks:
        if block.tag == "equal":
            if place is not None:
                yield place
            place = None
        else:
            first, start = (block.src_start, block.dest_start) if place is None else (place[0], place[2])
            place = first, block.src_end, start, block.dest_end
    if place is not None:
        yield place


def _explanations(words: Sequence[str], first: int, after: int, said: Sequence[str]) -> Iterator[WordEdit]:
    """Yield the edits that one stretch of differences may stand for."""
    missing = after - first - len(said)
    if said and after > first:
        yield WordEdit(EditKind.REPLACE, first, after, tuple(said))
    if not said:
        yield WordEdit(EditKind.OMIT, first, after)
    elif missing > 0:
        for start in range(first, after - missing + 1):
            yield WordEdit(EditKind.OMIT, start, start + missing)
    elif missing < 0:
        for start in range(len(said) + missing + 1):
            extra = tuple(said[start : start - missing])
            at = min(first + start, after)
            yield repetition(words, at, extra) or WordEdit(EditKind.INSERT, at, at, extra)


def repetition(words: Sequence[str], at: int, extra: Sequence[str]) -> WordEdit | None:
    """Return the edit that says words of the text again, where what was put in at ``at`` is just that."""
    spoken = [letters_and_digits(word) for word in extra]
    width = len(spoken)
    for first in (at - width, at):
        if first >= 0 and [letters_and_digits(word) for word in words[first : first + width]] == spoken:
            return WordEdit(EditKind.REPEAT, first, first + width)
    return None


def _without(words: Sequence[str], first: int, after: int) -> Iterator[Spelling]:
    yield Spelling(first, after, ())
    if not all(words[first : after + 1]):
        return
    if after < len(words) and words[first][:1].isupper() and words[after][:1].islower():
        yield Spelling(first, after + 1, (words[after][:1].upper() + words[after][1:],))
    last = words[after - 1][-1:]
    if first and last in STOPS and words[first - 1][-1:] not in STOPS:
        yield Spelling(first - 1, after, (words[first - 1] + last,))


def _twice(words: Sequence[str], first: int, after: int) -> Iterator[Spelling]:
    own = tuple(words[first:after])
    if not all(own):
        yield Spelling(after, after, own)
        return
    bare = own[-1].rstrip(STOPS)
    again = own if own[0] in {"I", "I'm", "I'll"} else (own[0][:1].lower() + own[0][1:], *own[1:])
    yield Spelling(after, after, own)
    if again != own:
        yield Spelling(after, after, again)
    for end in ("", ","):
        if bare and bare + end != own[-1]:
            yield Spelling(first, after, (*own[:-1], bare + end, *again))


def _with(words: Sequence[str], first: int, after: int, said: Sequence[str]) -> Iterator[Spelling]:
    yield Spelling(first, after, tuple(said))
    end = words[after - 1][-1:] if after > first else ""
    if end in STOPS and said and said[-1][-1:] not in STOPS:
        yield Spelling(first, after, (*said[:-1], said[-1] + end))
    if said and said[-1][-1:] in STOPS:
        yield Spelling(first, after, (*said[:-1], said[-1].rstrip(STOPS)))
