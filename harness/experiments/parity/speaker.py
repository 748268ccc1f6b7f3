"""Is the speaker the same? Against what the encoder gives for no change, and what the reference reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class SpeakerParity:
    """Mean cosines of speaker embeddings; None where there was nothing to compare.

    ``floor``: the reference with itself, same text and another seed: the encoder's own noise, below which it says
    nothing. ``to_reference``: candidate and reference on the same text. ``ceiling``: the reference and the recording of
    the voice: what a perfect copy reaches. ``to_voice``: candidate and that recording.
    """

    to_reference: float | None
    floor: float | None
    to_voice: float | None
    ceiling: float | None
    margin: float
    count: int

    @property
    def passed(self) -> bool | None:
        """Return None where the floor and the ceiling are both unknown: a bare cosine says nothing."""
        present = [gap for gap in (self._below_floor, self._below_ceiling) if gap is not None]
        return all(gap <= self.margin for gap in present) if present else None

    @property
    def _below_floor(self) -> float | None:
        return self.floor - self.to_reference if self.floor is not None and self.to_reference is not None else None

    @property
    def _below_ceiling(self) -> float | None:
        return self.ceiling - self.to_voice if self.ceiling is not None and self.to_voice is not None else None

    def says(self) -> str:
        """Return one sentence."""
        if self.passed is None:
            return "the speaker was not judged: neither a second take of the reference nor a recording of the voice"
        parts = []
        if self.floor is not None and self.to_reference is not None:
            parts.append(
                f"{self.to_reference:.3f} to the reference, which is {self.floor:.3f} to itself (encoder's floor)"
            )
        if self.ceiling is not None and self.to_voice is not None:
            parts.append(f"{self.to_voice:.3f} to the recording, the reference {self.ceiling:.3f} (its ceiling)")
        word = "no loss" if self.passed else "a loss"
        return f"{word} of speaker similarity beyond {self.margin:g} over {self.count} texts: {'; '.join(parts)}"


def judge_speaker(
    to_reference: Sequence[float],
    floor: Sequence[float],
    to_voice: Sequence[float] = (),
    ceiling: Sequence[float] = (),
    margin: float = 0.03,
) -> SpeakerParity:
    """Return cosines, one a text. Never mix encoders."""
    mean = [fmean(each) if each else None for each in (to_reference, floor, to_voice, ceiling)]
    return SpeakerParity(mean[0], mean[1], mean[2], mean[3], margin, max(len(to_reference), len(to_voice)))
