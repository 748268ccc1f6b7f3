"""What was heard, laid against the text by the letters of its words."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.core.records import DetectorInput
from harness.detectors.base import CannotJudge, required_payload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_SIMILARITY = 0.6  # of letters; below this two words are different words
UNDERSTOOD = 0.45  # share of the letters that the recognizer may miss in the reference, or in the run's median chunk
MISSED_IN_RUN = "missed letters"  # figure of a run: the share that its recognizer misses in the median chunk


@dataclass(frozen=True)
class TranscriptPair:
    """One transcript against its text."""

    text: tuple[str, ...]
    words: tuple[str, ...]  # the hypothesis
    precision: float  # share of the hypothesis' letters that match the text
    recall: float  # share of the text's letters that were heard


@lru_cache(maxsize=4096)
def match(text: tuple[str, ...], words: tuple[str, ...]) -> tuple[tuple[int, int, float], ...]:
    """Return the best monotone pairing of two word lists: (text index, hypothesis index, similarity of letters in
    [0, 1]).

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
    steps: list[tuple[int, int]] = []
    i, j = rows, columns
    while i > 0 and j > 0:
        if gain[i - 1, j - 1] > 0 and best[i, j] == best[i - 1, j - 1] + gain[i - 1, j - 1]:
            steps.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif best[i, j] == best[i - 1, j]:
            i -= 1
        else:
            j -= 1
    return steps[::-1]


def compare_transcript(view: DetectorInput) -> TranscriptPair:
    """Return the transcript laid against the text. Raises CannotJudge without text or transcript."""
    payload = required_payload(view, "intelligibility")
    text, words = (
        tuple(str(payload.get("reference") or "").split()),
        tuple(str(payload.get("hypothesis") or "").split()),
    )
    if not text:
        raise CannotJudge("the text is empty once normalised")
    pairs = match(text, words)
    recall = sum(len(text[i]) * s for i, _, s in pairs) / max(sum(map(len, text)), 1)
    precision = sum(len(words[j]) * s for _, j, s in pairs) / max(sum(map(len, words)), 1)
    return TranscriptPair(text, words, min(precision, 1.0), min(recall, 1.0))


def is_heard(view: DetectorInput) -> bool:
    """Return whether the recognizer understands this voice, as far as its run without a reference tells."""
    return view.reference is not None or view.voice.get(MISSED_IN_RUN, 0.0) <= UNDERSTOOD


def understood(view: DetectorInput) -> None:
    """Raise CannotJudge where the recognizer does not understand the run's voice, or the reference on this text."""
    if not is_heard(view):
        missed = f"{view.voice[MISSED_IN_RUN]:.0%} of the letters in the run's median chunk"
        raise CannotJudge(f"the recognizer does not understand this voice: it misses {missed}")
    reference_understood(view)


def reference_understood(view: DetectorInput) -> None:
    """Raise CannotJudge where the recognizer does not understand the reference on this text either."""
    usual = list(view.reference.evidence.get("unintelligible", ())) if view.reference is not None else []
    if usual and statistics.median(usual) > UNDERSTOOD:
        missed = f"{statistics.median(usual):.0%} of the letters"
        raise CannotJudge(f"the recognizer does not understand the reference on this text: it misses {missed}")
