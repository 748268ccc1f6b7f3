"""Text against transcript, word by word, and the times that tie two takes of one text together."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.records.payloads import TranscriptPayload


@dataclass(frozen=True, slots=True)
class DiffWord:
    """A stretch of words: what was to be said, what was heard, how they relate, and when it was heard (s)."""

    op: str  # equal, substitute, delete, insert
    said: str
    heard: str
    start: float | None = None


def word_diff(payload: TranscriptPayload) -> list[DiffWord]:
    """Return the alignment of an ``intelligibility`` payload as words; empty where there is no alignment."""
    reference, hypothesis = str(payload.get("reference", "")).split(), str(payload.get("hypothesis", "")).split()
    starts = _starts(payload, len(hypothesis))
    words: list[DiffWord] = []
    for part in payload.get("alignment", ()):
        (i, j), (k, m) = part["ref"], part["hyp"]
        at = starts[k] if k < m and k < len(starts) else None
        if part["op"] == "equal":  # a word each, so that each can be sought
            for step, (said, word) in enumerate(zip(reference[i:j], hypothesis[k:m], strict=False)):
                words.append(DiffWord("equal", said, word, starts[k + step] if k + step < len(starts) else None))
        else:
            words.append(DiffWord(part["op"], " ".join(reference[i:j]), " ".join(hypothesis[k:m]), at))
    return words


def anchors(payload: TranscriptPayload) -> list[list[float]]:
    """Return [word of the text, second at which it was heard] for every word heard in its place, in order of both."""
    starts = _starts(payload, len(str(payload.get("hypothesis", "")).split()))
    places: list[list[float]] = []
    for part in payload.get("alignment", ()) if starts else ():
        if part["op"] in ("equal", "substitute"):
            (i, j), (k, m) = part["ref"], part["hyp"]
            for step in range(min(j - i, m - k)):
                when = round(starts[k + step], 2)
                if not places or when > places[-1][1]:
                    places.append([i + step, when])
    return places


def _starts(payload: TranscriptPayload, expected: int) -> list[float]:
    """Word starts, only where the engine's words are those of the normalised hypothesis, one to one."""
    words = payload.get("words") or []
    return [float(word["start"]) for word in words] if len(words) == expected else []
