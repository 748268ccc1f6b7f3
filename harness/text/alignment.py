"""Word and character errors by Levenshtein alignment, through jiwer. Counts are kept, so that they add up."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.records.payloads import AlignedPart, SpokenWord


@dataclass(frozen=True, slots=True)
class TimedWord:
    """One recognized word. Times in seconds; probability in [0, 1], None where the engine gives none."""

    word: str
    start: float
    end: float
    probability: float | None = None

    def to_json(self) -> SpokenWord:
        """Return plain JSON, times rounded to milliseconds."""
        probability = None if self.probability is None else round(self.probability, 4)
        return {
            "word": self.word,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "probability": probability,
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """One block of an alignment: ``op`` on words [i, j) of the reference and [i, j) of the hypothesis."""

    op: str  # equal, substitute, delete, insert
    ref: tuple[int, int]
    hyp: tuple[int, int]

    def to_json(self) -> AlignedPart:
        """Return plain JSON."""
        return {"op": self.op, "ref": list(self.ref), "hyp": list(self.hyp)}


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Counts of one alignment. ``units`` is the number of words or characters of the reference."""

    units: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def errors(self) -> int:
        """Return substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Return errors divided by units; None for an empty reference, where a rate has no meaning."""
        return self.errors / self.units if self.units else None


def align_words(reference: str, hypothesis: str) -> tuple[ErrorCounts, tuple[Operation, ...]]:
    """Align two normalised texts word by word (words are separated by spaces).

    An empty reference counts every word of the hypothesis as an insertion, an empty hypothesis every word of the
    reference as a deletion.
    """
    ref, hyp = reference.split(), hypothesis.split()
    if not ref or not hyp:
        return _one_sided(len(ref), len(hyp))
    import jiwer

    output = jiwer.process_words(" ".join(ref), " ".join(hyp))
    operations = tuple(
        Operation(block.type, (block.ref_start_idx, block.ref_end_idx), (block.hyp_start_idx, block.hyp_end_idx))
        for block in output.alignments[0]
    )
    return ErrorCounts(len(ref), output.substitutions, output.deletions, output.insertions), operations


def align_characters(reference: str, hypothesis: str, spaces: bool = True) -> ErrorCounts:
    """Count character errors of two normalised texts.

    ``spaces``: single spaces count as characters, as in jiwer.
    """
    joiner = " " if spaces else ""
    ref, hyp = joiner.join(reference.split()), joiner.join(hypothesis.split())
    if not ref or not hyp:
        return _one_sided(len(ref), len(hyp))[0]
    import jiwer

    output = jiwer.process_characters(ref, hyp)
    return ErrorCounts(len(ref), output.substitutions, output.deletions, output.insertions)


def _one_sided(ref: int, hyp: int) -> tuple[ErrorCounts, tuple[Operation, ...]]:
    operations = []
    if ref:
        operations.append(Operation("delete", (0, ref), (0, 0)))
    if hyp:
        operations.append(Operation("insert", (0, 0), (0, hyp)))
    return ErrorCounts(ref, 0, ref, hyp), tuple(operations)


def retime(raw: Sequence[TimedWord], pieces: Sequence[Sequence[str]], final: Sequence[str]) -> list[TimedWord]:
    """Carry the times of recognized words over to their normalised form.

    ``raw[k]`` alone normalises to ``pieces[k]``; the whole text normalises to ``final``, which differs where a
    normaliser joins words ("twenty three" to "23"). The result is parallel to ``final``. Words that were joined or
    split share the span of those they came from, and the lowest of their probabilities.
    """
    parts = [part for word, piece in zip(raw, pieces, strict=True) for part in _divide([word], piece)]
    matcher = difflib.SequenceMatcher(None, [p.word for p in parts], list(final), autojunk=False)
    result: list[TimedWord] = []
    for op, i, j, first, last in matcher.get_opcodes():
        if op == "insert":
            at = parts[i - 1].end if i else (parts[0].start if parts else 0.0)
            result.extend(TimedWord(name, at, at) for name in final[first:last])
        else:
            result.extend(_divide(parts[i:j], final[first:last]))
    return result


def _divide(words: Sequence[TimedWord], names: Sequence[str]) -> list[TimedWord]:
    """Share the span of ``words`` evenly among ``names``."""
    if not words or not names:
        return []
    if len(words) == len(names):
        return [TimedWord(n, w.start, w.end, w.probability) for w, n in zip(words, names, strict=True)]
    start, end = words[0].start, words[-1].end
    step = (end - start) / len(names)
    probabilities = [w.probability for w in words if w.probability is not None]
    lowest = min(probabilities) if probabilities else None
    return [TimedWord(n, start + k * step, start + (k + 1) * step, lowest) for k, n in enumerate(names)]
