"""Text against transcript, word by word (layer 4)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.types import Json


@dataclass(frozen=True, slots=True)
class Word:
    """A stretch of words: what was to be said, what was heard, and how they relate."""

    op: str  # equal, substitute, delete, insert
    said: str
    heard: str


def word_diff(payload: Json) -> list[Word]:
    """The alignment of an ``intelligibility`` payload as words; empty where there is no alignment."""
    reference, hypothesis = str(payload.get("reference", "")).split(), str(payload.get("hypothesis", "")).split()
    return [
        Word(part["op"], " ".join(reference[slice(*part["ref"])]), " ".join(hypothesis[slice(*part["hyp"])]))
        for part in payload.get("alignment", ())
    ]
