"""Whether there was time for words: a log-likelihood ratio from how long the words around an edit took, in nats.

Whisper's alignment hands the time of a word that is not there to its neighbours, so the sum over a word with its two
neighbours is compared, without pauses, with what their letters take at the clip's own pace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.records import DetectorInput, Span
from harness.core.records.payloads import SpokenWord
from harness.text import spoken_letters

A_WORD = 1.0  # letters more that a word takes, whatever its length
SCATTER = 0.035  # s; variance of the time of a few words, as a share of what is expected (healthy speech of 4 engines)
MOST = 4.0  # nats for missing words; a fast speaker is no proof
MOST_AGAINST = 12.0  # nats; sound as long as the words is as good as their letters


@dataclass(frozen=True)
class WordTimes:
    """Seconds of sound and letters of each word of a text, as aligned with the audio."""

    seconds: tuple[float, ...]
    sizes: tuple[float, ...]

    @classmethod
    def of(cls, view: DetectorInput, words: Sequence[SpokenWord]) -> WordTimes:
        """Take them from the words of ``edit_likelihood`` and the pauses of ``signal``, where that was measured."""
        pauses = [(float(a), float(b)) for a, b in (view.payload("signal") or {}).get("pauses") or []]
        language = view.chunk.language
        sizes = [spoken_letters(str(word["word"]), language) for word in words]
        return cls(
            tuple(_sounding((float(word["start"]), float(word["end"])), pauses) for word in words),
            tuple(size + A_WORD if size else 0.0 for size in sizes),
        )

    def without(self, first: int, after: int) -> float:
        """Return how much likelier the time around words [first, after) is if they were not spoken than if they were.

        At most 4 nats, at least -12; 0 where nothing can be told.
        """
        total = sum(self.sizes)
        if total <= 0 or sum(self.seconds) <= 0:
            return 0.0
        pace = sum(self.seconds) / total
        window = slice(max(first - 1, 0), after + 1)
        took, spoken = sum(self.seconds[window]), pace * sum(self.sizes[window])
        left = spoken - pace * sum(self.sizes[first:after])
        ratio = ((took - spoken) ** 2 - (took - left) ** 2) / (2 * SCATTER * max(spoken, pace))
        return min(max(ratio, -MOST_AGAINST), MOST)


def _sounding(span: Span, pauses: Sequence[Span]) -> float:
    silent = sum(max(0.0, min(span[1], end) - max(span[0], start)) for start, end in pauses)
    return max(span[1] - span[0] - silent, 0.0)
