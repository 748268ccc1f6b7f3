"""Time that the recognizer's word times give to the wrong place: a word without length, words missing next door.

A word that was heard as written but timed with hardly any length was spoken in the stretch beside it, in which nothing
was heard; and where Whisper stops early, the words that it leaves out are the sound before its last one.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from harness.core.records.payloads import SpokenWord, UnexplainedStretch
from harness.text.characters import letters_and_digits

COLLAPSED = 0.3  # of the time that its letters take: no speaker is as fast
NEAR = 0.06  # s between a stretch and the word beside it
UNHEARD = 0.5  # of the time that missing words take: where there is less sound they were not spoken there


def lost_time(
    stretch: UnexplainedStretch, stretches: Sequence[UnexplainedStretch], words: Sequence[SpokenWord]
) -> float:
    """Return the seconds of speech that belong into a stretch in which no word was heard.

    ``words``: those of the transcript with their times; ``stretches``: all of the clip, ``stretch`` among them.
    """
    if stretch["heard"]:
        return 0.0
    return _collapsed(stretch["span"], words) + sum(
        float(one["expected"]) - float(one["seconds"])
        for one in stretches
        if _one_word_off(stretch["ref"], one["ref"]) and one["seconds"] < UNHEARD * one["expected"]
    )


def _collapsed(span: Sequence[float], words: Sequence[SpokenWord]) -> float:
    sized = [(one, len(letters_and_digits(str(one["word"])))) for one in words]
    paces = [(one["end"] - one["start"]) / size for one, size in sized if size]
    pace = statistics.median(paces) if paces else 0.0
    lost = 0.0
    for one, size in sized:
        took = one["end"] - one["start"]
        beside = abs(one["start"] - span[1]) <= NEAR or abs(one["end"] - span[0]) <= NEAR
        if beside and took < COLLAPSED * pace * size:
            lost += pace * size - took
    return lost


def _one_word_off(one: Sequence[int], other: Sequence[int]) -> bool:
    """Return whether one word of the text lies between two stretches of it."""
    return 1 in (other[0] - one[1], one[0] - other[1])
