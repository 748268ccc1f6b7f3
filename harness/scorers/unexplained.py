"""Stretches of speech that hold none of the text's words: between two words that were heard as written, or at an end.

Times in seconds of the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.core.records import Json, Span
from harness.scorers.activity import Activity
from harness.scorers.word_edits import comparable_word, word_differences
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

    def to_json(self) -> Json:
        """Return plain JSON, times rounded to 10 ms."""
        return {
            "span": [round(edge, 2) for edge in self.span],
            "ref": [self.first, self.after],
            "seconds": round(self.seconds, 2),
            "expected": round(self.expected, 2),
            "heard": self.heard,
        }


def unexplained(
    words: Sequence[str],
    heard: Sequence[TimedWord],
    same: Callable[[str, str], bool],
    activity: Activity,
    bounds: Span,
) -> list[UnexplainedSpeech]:
    """Return the stretches with at least ``LEAST`` s of sound, and always the last, behind the last word.

    ``bounds``: begin and end of all speech.
    """
    anchors = list(_anchors(words, heard, same))
    letters = sum(len(comparable_word(heard[j].word)) for _, j in anchors)
    spoken = sum(heard[j].end - heard[j].start for _, j in anchors)
    pace = spoken / letters if letters else USUAL_LETTER
    stretches = []
    for (i, j), (k, m) in pairwise([(-1, -1), *anchors, (len(words), len(heard))]):
        start = bounds[0] if j < 0 else min(heard[j].end, heard[j].start + _longest(heard[j], pace))
        end = bounds[1] if m == len(heard) else max(heard[m].start, heard[m].end - _longest(heard[m], pace))
        seconds = _sound(activity, start, end)
        if seconds >= LEAST or m == len(heard):
            expected = pace * sum(len(comparable_word(word)) for word in words[i + 1 : k])
            said = " ".join(word.word for word in heard[j + 1 : m])
            stretches.append(UnexplainedSpeech((start, end), i + 1, k, seconds, expected, said))
    return stretches


def _anchors(
    words: Sequence[str], heard: Sequence[TimedWord], same: Callable[[str, str], bool]
) -> Iterator[tuple[int, int]]:
    """Yield (word of the text, word heard) for all that were heard as written, in whatever spelling."""
    place = spoken = 0
    for first, after, start, end in word_differences(words, [word.word for word in heard]):
        yield from zip(range(place, first), range(spoken, start), strict=True)
        if (
            first < after
            and start < end
            and same(" ".join(words[first:after]), " ".join(w.word for w in heard[start:end]))
        ):
            yield from zip(range(first, after), range(start, end), strict=False)
        place, spoken = after, end
    yield from zip(range(place, len(words)), range(spoken, len(heard)), strict=True)


def _longest(word: TimedWord, pace: float) -> float:
    return STRETCH + SLOWEST * pace * len(comparable_word(word.word))


def _sound(activity: Activity, start: float, end: float) -> float:
    if end <= start:
        return 0.0
    return float(np.mean(activity.at(np.arange(start, end, STEP)))) * (end - start)
