"""Stretches of speech that hold none of the text's words: between two words that were heard as written, or at an end.

Times in seconds of the clip.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.core.records import Span
from harness.core.records.payloads import UnexplainedStretch
from harness.scorers.activity import Activity
from harness.scorers.word_edits import word_differences
from harness.text.alignment import TimedWord

LEAST = 0.5  # s of sound; less is a misheard word
USUAL_LETTER = 0.07  # s, where no word was heard as written
SLOWEST = 1.3  # times the clip's own pace
STRETCH = 0.15  # s that a word may last beyond that; the recognizer adds sounds without words to the word beside them
STEP = 0.01  # s


@dataclass(frozen=True, slots=True)
class UnexplainedSpeech:
    """Sound between words [first, after) of the text. ``seconds``: of sound; ``expected``: what those words take."""

    span: Span
    first: int
    after: int
    seconds: float
    expected: float
    heard: str

    def to_json(self) -> UnexplainedStretch:
        """Return plain JSON, times rounded to 10 ms, with no language told."""
        return {
            "span": [round(edge, 2) for edge in self.span],
            "ref": [self.first, self.after],
            "seconds": round(self.seconds, 2),
            "expected": round(self.expected, 2),
            "heard": self.heard,
            "language": None,
            "probability": None,
            "own": None,
        }


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Words [first, after) of the text that were heard as written, in words [start, end) of the transcript."""

    first: int
    after: int
    start: int
    end: int


def unexplained(
    words: Sequence[str],
    heard: Sequence[TimedWord],
    same: Callable[[str, str], bool],
    activity: Activity,
    bounds: Span,
    letters: Callable[[str], int],
) -> list[UnexplainedSpeech]:
    """Return the stretches with at least ``LEAST`` s of sound, and always the last, behind the last word.

    ``bounds``: begin and end of all speech; ``letters``: how many a word of the text has when it is spoken.
    """
    anchors = list(_anchors(words, heard, same))
    sizes = [sum(map(letters, words[one.first : one.after])) for one in anchors]
    spoken = sum(heard[one.end - 1].end - heard[one.start].start for one in anchors)
    pace = spoken / sum(sizes) if sum(sizes) else USUAL_LETTER
    longest = {one: STRETCH + SLOWEST * pace * size for one, size in zip(anchors, sizes, strict=True)}
    outside = _Anchor(-1, 0, -1, 0), _Anchor(len(words), len(words) + 1, len(heard), len(heard) + 1)
    stretches = []
    for before, behind in pairwise([outside[0], *anchors, outside[1]]):
        start, end = bounds
        if before in longest:
            start = min(heard[before.end - 1].end, heard[before.start].start + longest[before])
        if behind in longest:
            end = max(heard[behind.start].start, heard[behind.end - 1].end - longest[behind])
        seconds = _sound(activity, start, end)
        if seconds >= LEAST or behind is outside[1]:
            expected = pace * sum(map(letters, words[before.after : behind.first]))
            said = _joined(heard[before.end : behind.start])
            stretches.append(UnexplainedSpeech((start, end), before.after, behind.first, seconds, expected, said))
    return stretches


def _anchors(words: Sequence[str], heard: Sequence[TimedWord], same: Callable[[str, str], bool]) -> Iterator[_Anchor]:
    """Yield what was heard as written, in whatever spelling, word by word where the words correspond."""
    place = spoken = 0
    for first, after, start, end in word_differences(words, [word.word for word in heard]):
        for width in range(first - place):
            yield _Anchor(place + width, place + width + 1, spoken + width, spoken + width + 1)
        if first < after and start < end and same(" ".join(words[first:after]), _joined(heard[start:end])):
            yield _Anchor(first, after, start, end)
        place, spoken = after, end
    for width in range(len(words) - place):
        yield _Anchor(place + width, place + width + 1, spoken + width, spoken + width + 1)


def _joined(heard: Sequence[TimedWord]) -> str:
    """Return heard words as a text; the recognizer times a long number in pieces ("1" and ",788")."""
    return re.sub(r"(?<=\d) (?=[,.:]\d)", "", " ".join(word.word for word in heard))


def _sound(activity: Activity, start: float, end: float) -> float:
    if end <= start:
        return 0.0
    return float(np.mean(activity.at(np.arange(start, end, STEP)))) * (end - start)
