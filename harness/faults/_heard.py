"""What was heard, laid against the text in words and in time: the base of all transcript classes.

A recognizer that gets a third of the words wrong still hears the others at the right place. Words that it got right
are anchors: they tie a position in the text to a moment in the audio. Between two anchors the text says how long the
speech should last, and the audio how long it did. Words that were misheard take their time, words that were skipped
do not: so time tells skipping from mishearing, whatever the recognizer made of it.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from harness.faults._words import effort
from harness.faults.base import CannotJudge, payload
from harness.types import Span, View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

LEAST_SIMILARITY = 0.6  # of letters; below this two words are different words
ANCHOR_SIMILARITY = 0.75
SHORTEST_WORD = 0.03  # s, where the reference seems to take none
LONGEST_WORD = 0.8  # s beyond what it needs; a recognizer that hears no words in a sound adds its time to one beside it
NEAR = 5  # anchors: as many may stand at the wrong one of two like places
UNDERSTOOD = 0.45  # share of the letters that the recognizer may miss in the reference
ANCHOR_LETTERS = 4  # a shorter word can match by chance unless a neighbour matches too


@dataclass(frozen=True)
class Region:
    """What lies between two anchors (or an end of the text and an anchor)."""

    text: tuple[int, int]  # words [i, j) of the text that were not anchored
    heard: tuple[int, int]  # words [i, j) of the hypothesis in between
    span: Span  # seconds in the audio
    seconds: float  # of speech in the span: pauses taken out
    expected: float  # seconds the words should take at the clip's own rate

    @property
    def missing(self) -> float:
        """Seconds of speech too few (negative: too many)."""
        return self.expected - self.seconds


@dataclass(frozen=True)
class Clock:
    """Speech time: seconds of the audio with the pauses taken out."""

    pauses: tuple[Span, ...] = ()

    def at(self, second: float) -> float:
        """Speech time of a moment of the audio."""
        return second - sum(min(second, b) - a for a, b in self.pauses if a < second)


@dataclass(frozen=True)
class Heard:
    """One transcript against its text."""

    text: tuple[str, ...]
    words: tuple[str, ...]  # the hypothesis
    pairs: tuple[tuple[int, int], ...]  # matched (text, hypothesis) indices, ascending
    anchors: tuple[tuple[int, int], ...]
    precision: float  # share of the hypothesis' letters that match the text
    recall: float  # share of the text's letters that were heard
    times: tuple[Span, ...] = ()
    rate: float = 0.0  # seconds of speech per unit of work, 0 without times
    regions: tuple[Region, ...] = ()

    clock: Clock = Clock()
    work: tuple[float, ...] = ()  # of each word of the text: what it takes, before the clip's own rate

    @property
    def mean_word(self) -> float:
        """Seconds of a word of mean length in this text."""
        return self.rate * sum(self.work) / max(len(self.text), 1)


@lru_cache(maxsize=4096)
def match(text: tuple[str, ...], words: tuple[str, ...]) -> tuple[tuple[int, int, float], ...]:
    """Best monotone pairing of two word lists: (text index, hypothesis index, similarity of letters in [0, 1]).

    Maximises matched letters; pairs whose neighbours on the diagonal match too count more, so that chance matches of
    short words lose. Needleman-Wunsch with free gaps.
    """
    import numpy as np
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    if not text or not words:
        return ()
    alike: NDArray[np.float32] = cdist(list(text), list(words), scorer=Indel.normalized_similarity, dtype=np.float32)
    letters = np.array([len(w) for w in text], np.float32)[:, None]
    gain = np.where(alike >= LEAST_SIMILARITY, (alike - 0.4) * letters, 0.0).astype(np.float32)
    support = np.zeros_like(gain)
    support[1:, 1:] += gain[:-1, :-1]
    support[:-1, :-1] += gain[1:, 1:]
    gain = np.where(gain > 0, gain + 0.5 * support, 0.0).astype(np.float32)
    return tuple((i, j, float(alike[i, j])) for i, j in _trace(gain))


def _trace(gain: NDArray[np.float32]) -> list[tuple[int, int]]:
    import numpy as np

    rows, columns = gain.shape
    best = np.zeros((rows + 1, columns + 1), np.float32)
    for i in range(1, rows + 1):
        step = np.maximum(best[i - 1, 1:], best[i - 1, :-1] + gain[i - 1])
        best[i, 1:] = np.maximum.accumulate(step)
    found: list[tuple[int, int]] = []
    i, j = rows, columns
    while i > 0 and j > 0:
        if gain[i - 1, j - 1] > 0 and best[i, j] == best[i - 1, j - 1] + gain[i - 1, j - 1]:
            found.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif best[i, j] == best[i - 1, j]:
            i -= 1
        else:
            j -= 1
    return found[::-1]


def hear(view: View, scorer: str = "intelligibility") -> Heard:
    """The transcript of ``scorer`` laid against the text, with times. Raises CannotJudge without text or transcript."""
    seen = payload(view, scorer)
    text, words = tuple(str(seen.get("reference") or "").split()), tuple(str(seen.get("hypothesis") or "").split())
    if not text:
        raise CannotJudge("the text is empty once normalised")
    times = tuple((w.get("start"), w.get("end")) for w in seen.get("words") or [])
    if len(times) != len(words) or any(a is None or b is None for a, b in times):
        times = ()
    signal = view.payload("signal") or {}
    pauses = tuple((float(a), float(b)) for a, b in signal.get("pauses") or [])
    duration = view.attempt.duration or signal.get("duration") or (times[-1][1] if times else 0.0)
    start, end = signal.get("speech_start"), signal.get("speech_end")
    bounds = (float(start) if start is not None else 0.0, float(end) if end is not None else float(duration))
    prior: float | None = None
    usual: tuple[float, ...] = ()
    if view.reference is not None and view.reference.figures.get("speech_seconds"):
        prior = statistics.median(view.reference.figures["speech_seconds"])
    if view.reference is not None and len(view.reference.word_seconds) == len(text):
        usual = tuple(max(seconds, SHORTEST_WORD) for seconds in view.reference.word_seconds)
    return _lay(text, words, times, pauses, bounds, prior, usual or tuple(effort(w) for w in text))


@lru_cache(maxsize=64)
def _lay(
    text: tuple[str, ...],
    words: tuple[str, ...],
    times: tuple[Span, ...],
    pauses: tuple[Span, ...],
    bounds: Span,
    prior: float | None,
    work: tuple[float, ...],
) -> Heard:
    pairs = match(text, words)
    anchors = _anchors(text, pairs)
    hit = sum(len(text[i]) * s for i, _, s in pairs)
    recall = hit / max(sum(map(len, text)), 1)
    precision = sum(len(words[j]) * s for _, j, s in pairs) / max(sum(map(len, words)), 1)
    plain = tuple((i, j) for i, j, _ in pairs)
    heard = Heard(text, words, plain, anchors, min(precision, 1.0), min(recall, 1.0), work=work)
    if not times or not words:
        return heard
    clock = Clock(pauses)
    rate = _rate(work, anchors, times, clock, prior)
    if rate is None:
        return heard
    regions = _regions(len(words), work, anchors, times, clock, bounds, rate)
    return replace(heard, times=times, rate=rate, regions=regions, clock=clock)


def _anchors(text: tuple[str, ...], pairs: Sequence[tuple[int, int, float]]) -> tuple[tuple[int, int], ...]:
    sure = {(i, j) for i, j, s in pairs if s >= ANCHOR_SIMILARITY}

    def kept(i: int, j: int) -> bool:
        return len(text[i]) >= ANCHOR_LETTERS or (i - 1, j - 1) in sure or (i + 1, j + 1) in sure

    return tuple(sorted(pair for pair in sure if kept(*pair)))


def _rate(
    work: tuple[float, ...],
    anchors: tuple[tuple[int, int], ...],
    times: tuple[Span, ...],
    clock: Clock,
    prior: float | None,
) -> float | None:
    """Seconds per unit of work: weighted median over the stretches between anchors, the reference's as one more."""
    stretches: list[tuple[float, float]] = []  # rate, weight
    for (i, j), (k, m) in pairwise(anchors):
        needed = sum(work[i:k])
        stretches.append(((clock.at(times[m][0]) - clock.at(times[j][0])) / needed, needed))
    total = sum(work)
    if prior is not None and total > 0:
        stretches.append((prior / total, 0.5 * total))
    if not stretches:
        return None
    stretches.sort()
    half, seen = sum(w for _, w in stretches) / 2, 0.0
    for rate, weight in stretches:
        seen += weight
        if seen >= half:
            return max(rate, 0.01)
    return max(stretches[-1][0], 0.01)


def _regions(
    heard_words: int,
    work: tuple[float, ...],
    anchors: tuple[tuple[int, int], ...],
    times: tuple[Span, ...],
    clock: Clock,
    bounds: Span,
    rate: float,
) -> tuple[Region, ...]:
    ends = [(-1, -1), *anchors, (len(work), heard_words)]
    found: list[Region] = []
    for (i, j), (k, m) in pairwise(ends):
        if j >= 0:
            start = _end(times[j], rate * work[i], clock)
        else:
            start = min(bounds[0], times[m][0] if m < heard_words else bounds[1])
        end = times[m][0] if m < heard_words else max(bounds[1], times[j][1] if j >= 0 else bounds[0])
        span = (start, max(start, end))
        seconds = clock.at(span[1]) - clock.at(span[0])
        expected = rate * sum(work[i + 1 : k])
        found.append(Region((i + 1, k), (j + 1, m), span, seconds, expected))
    return tuple(found)


def _end(word: Span, needed: float, clock: Clock) -> float:
    """The end of an anchored word, or the moment when it should have ended where it lasts far too long."""
    start, end = word
    return end if clock.at(end) - clock.at(start) <= needed + LONGEST_WORD else start + needed


def close_by(regions: Sequence[Region], first: int, after: int, seconds: Callable[[Region], float]) -> float:
    """The most that ``seconds`` of stretches next to [first, after) add up to on either side, not below 0.

    An anchor may stand at the wrong one of two like words: then speech is missing on one side of it and too much on the
    other, and nothing is lost or new.
    """
    before = accumulate(seconds(region) for region in reversed(regions[max(0, first - NEAR) : first]))
    behind = accumulate(seconds(region) for region in regions[after : after + NEAR])
    return max(0.0, *before, *behind)


def word_seconds(heard: Heard) -> list[float]:
    """Seconds of speech that each word of the text took: anchors by their own times, the rest shared out by work.

    Empty where the transcript cannot be laid against the audio's time.
    """
    if not heard.regions:
        return []
    took = [0.0] * len(heard.text)
    for i, j in heard.anchors:
        took[i] = heard.clock.at(heard.times[j][1]) - heard.clock.at(heard.times[j][0])
    for region in heard.regions:
        inside = range(*region.text)
        work = sum(heard.work[i] for i in inside)
        for i in inside:
            took[i] = region.seconds * heard.work[i] / work
    return took


def understood(view: View) -> None:
    """Raise CannotJudge where the recognizer does not understand the reference on this text either.

    Of 12 readings each of Flite slt and eSpeak NG en-gb, pocketsphinx gets 61% to all of the letters of the first and 0
    to 52% of the second, whose words it then finds missing, new or out of place in one healthy reading of six.
    """
    usual = list(view.reference.evidence.get("unintelligible", ())) if view.reference is not None else []
    if usual and statistics.median(usual) > UNDERSTOOD:
        missed = f"{statistics.median(usual):.0%} of the letters"
        raise CannotJudge(f"the recognizer does not understand the reference on this text: it misses {missed}")


def laid(view: View) -> Heard:
    """The transcript laid against the text in time. Raises CannotJudge where it cannot be, or would say nothing."""
    understood(view)
    return timed(view)


def timed(view: View) -> Heard:
    """The transcript laid against the text in time, whatever it says. Raises CannotJudge where it cannot be."""
    heard = hear(view)
    if not heard.regions:
        raise CannotJudge("too few words were recognized, or without times, to lay the text against the audio")
    return heard


def quote(words: Sequence[str], most: int = 8) -> str:
    """Words as shown to a user, shortened in the middle."""
    shown = list(words) if len(words) <= most else [*words[: most // 2], "...", *words[-most // 2 :]]
    return "'" + " ".join(shown) + "'"
