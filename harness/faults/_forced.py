"""Words placed by forced alignment: where it found its way through the text, it knows what is missing or comes twice.

Free recognition hears a third of the words of a small voice wrongly, and a missing word looks like a misheard one. The
aligner knows the text and only decides which of its words are there, which is a far easier question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from harness.faults._heard import Heard, timed, understood
from harness.faults.base import CannotJudge, Seen
from harness.types import Json, View

SCORER = "forced_alignment"
Listener = Callable[[Heard], Seen]


def agreed(
    view: View, by_ear: Listener, by_alignment: Callable[[Json], Seen], surely: Listener = lambda _: Seen(0.0)
) -> Seen:
    """The smaller of what free recognition and forced alignment saw: only what both see is a fault.

    Each errs on healthy speech, but on different words: of 738 healthy takes of the embedded voice the free recognizer
    misses three words in a row in 4%, the aligner in 13%, both of them in 3% (docs/judging.md). Where one of the two
    has nothing to say, the other speaks alone; where the recognizer does not understand the reference, neither does.
    What free recognition sees ``surely`` counts whatever the aligner says.
    """
    understood(view)
    aligned = alignment(view)
    try:
        heard = timed(view)
    except CannotJudge:
        if aligned is None:
            raise
        return by_alignment(aligned)
    seen = [by_ear(heard), *([by_alignment(aligned)] if aligned is not None else [])]
    return max(min(seen, key=_value), surely(heard), key=_value)


def _value(seen: Seen) -> float:
    return seen.value


def alignment(view: View) -> Json | None:
    """The aligner's payload where it found a path through the text, else None."""
    found = view.payload(SCORER)
    return found if found is not None and found.get("aligned") else None


def missing(found: Json, *, at_end: bool) -> Seen:
    """The longest run of words that were not spoken: the one at the end of the text, or the others."""
    total = len(str(found["reference"]).split())
    runs = [run for run in found["missing_runs"] if (run["ref"][1] == total) is at_end]
    worst = max(runs, key=lambda run: run["ref"][1] - run["ref"][0], default=None)
    if worst is None:
        return Seen(0.0)
    count, time = worst["ref"][1] - worst["ref"][0], float(worst["time"])
    return Seen(float(count), (time, time), f"'{_short(worst['text'])}' not found by forced alignment")


def repeated(found: Json) -> Seen:
    """The longest run of words spoken again."""
    runs = [list(group) for _, group in groupby(enumerate(found["repeats"]), key=lambda pair: pair[1]["ref"] - pair[0])]
    worst: Sequence[tuple[int, Any]] = max(runs, key=len, default=[])
    if not worst:
        return Seen(0.0)
    first, last = worst[0][1], worst[-1][1]
    words = " ".join(item["text"] for _, item in worst)
    span = (float(first["span"][0]), float(last["span"][1]))
    return Seen(float(len(found["repeats"])), span, f"'{_short(words)}' spoken again, by forced alignment")


def _short(words: str, most: int = 60) -> str:
    return words if len(words) <= most else words[: most - 3] + "..."
