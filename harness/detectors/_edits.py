"""Edits of the text that explain the audio better, as the transcript classes read them. Gains in nats.

Several edits can explain one place: a name that was misheard looks a little like a word left out. So an edit counts by
what it gains over its best rival, the same words heard otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.core.records import DetectorInput, Span
from harness.core.records.payloads import LikelyEdit
from harness.detectors._heard import understood
from harness.detectors._origin import are_of
from harness.detectors._signs import SpokenSigns
from harness.detectors._word_time import WordTimes
from harness.detectors.base import DetectorValue, required_payload
from harness.text.characters import letters_and_digits

SCORER: Final = "edit_likelihood"
NOTHING = 0.0  # nats: the text as written explains the audio best
WORDS_TAIL = 3.0  # robust deviations; of ten healthy voices, well heard and badly, hardly a chunk gains more
LONGER_WORD = 2.0  # nats
SAID_TWICE, USUAL_TWICE = frozenset({"had", "that"}), 3.0  # nats
LIKE_WRITTEN = 50.0  # % of the letters
NO_TIME = 3.0  # nats for missing words
NEW_LETTERS = 3  # and more of them in a word's place: another word runs together with it
# Letters heard for each letter written, where the same words were heard otherwise ("kiosk" for "quay asked").
FAITHFUL = (0.5, 1.6)


@dataclass(frozen=True, slots=True)
class HeardEdit:
    """One edit at words [first, after).

    ``gain``: the first model's; where a second was asked, its mean with what the second grants of it.
    ``time``: what the time around its words says of their absence, in nats; 0 for other edits. ``reads_signs``: what
    it puts in are names of signs that stand there.
    """

    kind: str
    first: int
    after: int
    written: tuple[str, ...]
    said: tuple[str, ...]
    gain: float
    span: Span
    at_end: bool
    time: float = 0.0
    reads_signs: bool = False

    def touches(self, other: HeardEdit) -> bool:
        """Return whether both are about the same words, or about the border of them."""
        return self.first <= other.after and other.first <= self.after


def heard_edits(view: DetectorInput) -> list[HeardEdit]:
    """Return the edits that were scored. Raises CannotJudge without the scorer's payload."""
    understood(view)
    payload = required_payload(view, SCORER)
    words = [str(word["word"]) for word in payload["words"]]
    times = WordTimes.of(view, payload["words"])
    signs = SpokenSigns.of(view.chunk.expected_text, words, view.chunk.language)
    return [_read(one, words, times, signs) for one in payload["edits"]]


def _read(one: LikelyEdit, words: Sequence[str], times: WordTimes, signs: SpokenSigns) -> HeardEdit:
    first, after = one["ref"]
    said = tuple(one["said"])
    rest = signs.without_names(said, first, after)
    gain = one["gain"] if one["second"] is None else (one["gain"] + min(one["gain"], one["second"])) / 2
    return HeardEdit(
        kind=one["kind"],
        first=first,
        after=after,
        written=tuple(words[first:after]),
        said=rest if rest and one["kind"] == "replace" else said,
        gain=float(gain),
        span=(one["span"][0], one["span"][1]),
        at_end=after == len(words),
        time=times.without(first, after) if one["kind"] == "omit" and after < len(words) else 0.0,
        reads_signs=bool(said) and not rest,
    )


def gain_over_rivals(edit: HeardEdit, edits: Sequence[HeardEdit]) -> float:
    """Return what an edit gains over the best way to hear the same words otherwise, and what time says of it.

    A longer word in the place of another is first of all that word misheard.
    """
    rivals = [other.gain for other in edits if other.touches(edit) and _rival(edit, other)]
    price = LONGER_WORD if says_more(edit) else _usual_twice(edit)
    return edit.gain + edit.time - price - max([NOTHING, *rivals])


def _usual_twice(edit: HeardEdit) -> float:
    """Return what is taken off a word said again that good English says twice ("he had had")."""
    words = {letters_and_digits(word) for word in edit.written}
    return USUAL_TWICE if edit.kind == "repeat" and words & SAID_TWICE else NOTHING


def _rival(edit: HeardEdit, other: HeardEdit) -> bool:
    if edit.kind == "repeat":
        return other.kind == "insert"
    inside = other.first < edit.after and edit.first < other.after
    if edit.kind == "omit":
        lost_end = other.kind in {"omit", "end"} and other.at_end and not edit.at_end
        added = other.kind in {"insert", "repeat"}
        told = _short_of_time(edit, other) or _lacks_it_too(edit, other)
        return added or lost_end or (inside and _heard_otherwise(other) and not told)
    return edit.kind == "insert" and _heard_otherwise(other) and not _adds_it_too(edit, other)


def _heard_otherwise(other: HeardEdit) -> bool:
    """Whether an edit tells words that were spoken, and taken for others of about their length."""
    share = _letters(other.said) / max(_letters(other.written), 1)
    return other.kind == "replace" and FAITHFUL[0] <= share <= FAITHFUL[1]


def _lacks_it_too(edit: HeardEdit, other: HeardEdit) -> bool:
    """Whether what was heard instead is what is left without the missing words, a little misheard."""
    from rapidfuzz.fuzz import ratio

    first, after = edit.first - other.first, edit.after - other.first
    if first < 0 or after > len(other.written):
        return False
    rest = letters_and_digits(" ".join((*other.written[:first], *other.written[after:])))
    said, written = letters_and_digits(" ".join(other.said)), letters_and_digits(" ".join(other.written))
    return bool(rest) and ratio(rest, said) >= max(LIKE_WRITTEN, ratio(written, said))


def _adds_it_too(edit: HeardEdit, other: HeardEdit) -> bool:
    """Whether what was heard instead is what was put in beside the words as written, these a little misheard."""
    from rapidfuzz.fuzz import ratio

    width = len(edit.said)
    rests = [other.said[width:]] if other.said[:width] == edit.said else []
    rests += [other.said[:-width]] if other.said[-width:] == edit.said else []
    written = letters_and_digits(" ".join(other.written))
    return any(rest and ratio(letters_and_digits(" ".join(rest)), written) >= LIKE_WRITTEN for rest in rests)


def _short_of_time(edit: HeardEdit, other: HeardEdit) -> bool:
    """Whether less was heard than is written, in less time than that takes: some of it was not spoken."""
    return edit.time >= NO_TIME and _letters(other.said) < _letters(other.written)


def _letters(words: Sequence[str]) -> int:
    return sum(c.isalnum() for word in words for c in word)


def best_gain(edits: Sequence[HeardEdit], wanted: Callable[[HeardEdit], bool]) -> float | None:
    """Return what the best of the wanted edits gains over its rivals, also below 0; None where none was tried.

    Every word is tried as left out, and the last as not spoken, so that this has a distribution in healthy speech.
    """
    return max((gain_over_rivals(edit, edits) for edit in edits if wanted(edit)), default=None)


def likeliest(
    edits: Sequence[HeardEdit], wanted: Callable[[HeardEdit], bool], told: Callable[[HeardEdit], str], least: float
) -> DetectorValue:
    """Return the wanted edit that gains most over its rivals; ``least`` where none gains more."""
    scored = [(gain_over_rivals(edit, edits), edit) for edit in edits if wanted(edit)]
    gain, edit = max(scored, key=lambda pair: pair[0], default=(least, None))
    if edit is None or gain <= least:
        return DetectorValue(least)
    return DetectorValue(gain, edit.span, f"{told(edit)} ({gain:+.1f} nats)")


def is_added(edit: HeardEdit) -> bool:
    """Return whether an edit puts words in, or says far more in the place of a word."""
    return not edit.reads_signs and (edit.kind == "insert" or says_more(edit))


def says_more(edit: HeardEdit) -> bool:
    """Return whether an edit says far more in the place of a word: that word and another."""
    more = _letters(edit.said) - _letters(edit.written) >= NEW_LETTERS
    return edit.kind == "replace" and more and not _heard_otherwise(edit)


def is_missing(edit: HeardEdit) -> bool:
    """Return whether an edit leaves words out."""
    return edit.kind == "omit"


def is_again(edit: HeardEdit, text: str) -> bool:
    """Return whether what was put in are words of ``text`` in its order, once or over and over, or half of it is."""
    return edit.kind == "insert" and are_of(" ".join(edit.said), text)


def quoted(words: Sequence[str], most: int = 8) -> str:
    """Return words as shown to a user, shortened in the middle."""
    shown = list(words) if len(words) <= most else [*words[: most // 2], "...", *words[-most // 2 :]]
    return "'" + " ".join(shown) + "'"
