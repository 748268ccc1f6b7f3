"""Time that the recognizer's word times give to the wrong place: a word without length, words missing next door.

A word that was heard as written but timed with hardly any sound ("1951" with its last token, a word with a pause) was
spoken in the stretch beside it, in which nothing was heard; and where Whisper stops early, the words that it
leaves out are the sound before its last one.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.records import DetectorInput
from harness.core.records.payloads import SpokenWord, UnexplainedStretch
from harness.text import spoken_letters

COLLAPSED = 0.3  # of the time that its letters take: no speaker is as fast
NEAR = 0.06  # s between a stretch and the word beside it
UNHEARD = 0.5  # of the time that missing words take: where there is less sound they were not spoken there


@dataclass(frozen=True, slots=True)
class HeardTimes:
    """The words of a transcript with their times, the silent gaps of the clip, and the language that is spoken."""

    words: Sequence[SpokenWord]
    pauses: Sequence[Sequence[float]]
    language: str

    @classmethod
    def of(cls, view: DetectorInput) -> HeardTimes:
        """Return what was heard in a clip, and when."""
        signal = view.payload("signal")
        return cls(
            (view.payload("intelligibility") or {}).get("words") or [],
            (signal or {}).get("pauses") or [],
            view.chunk.language,
        )

    def collapsed(self, span: Sequence[float]) -> float:
        """Return the seconds that the words beside a stretch take to say beyond the sound that they were timed with."""
        sized = [(one, spoken_letters(str(one["word"]), self.language)) for one in self.words]
        paces = [(one["end"] - one["start"]) / size for one, size in sized if size]
        pace = statistics.median(paces) if paces else 0.0
        lost = 0.0
        for one, size in sized:
            beside = abs(one["start"] - span[1]) <= NEAR or abs(one["end"] - span[0]) <= NEAR
            took = self._sound(one["start"], one["end"]) if beside else 0.0
            if beside and took < COLLAPSED * pace * size:
                lost += pace * size - took
        return lost

    def _sound(self, start: float, end: float) -> float:
        silent = sum(max(0.0, min(end, pause[1]) - max(start, pause[0])) for pause in self.pauses)
        return max(0.0, end - start - silent)


def lost_time(stretch: UnexplainedStretch, stretches: Sequence[UnexplainedStretch], heard: HeardTimes) -> float:
    """Return the seconds of speech that belong into a stretch in which no word was heard.

    ``stretches``: all of the clip, ``stretch`` among them.
    """
    if stretch["heard"]:
        return 0.0
    return heard.collapsed(stretch["span"]) + sum(
        float(one["expected"]) - float(one["seconds"])
        for one in stretches
        if _one_word_off(stretch["ref"], one["ref"]) and one["seconds"] < UNHEARD * one["expected"]
    )


def _one_word_off(one: Sequence[int], other: Sequence[int]) -> bool:
    """Return whether one word of the text lies between two stretches of it."""
    return 1 in (other[0] - one[1], one[0] - other[1])
