"""Clean twins: speech as it was spoken and scored, of which injected copies are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.core.records import (
    Attempt,
    Chunk,
    DetectorInput,
    Measurement,
    Payloads,
    ReferenceRecord,
    Samples,
    TokenLayout,
    Variant,
)
from harness.detectors.base import CannotInject, InjectionMaterial
from harness.experiments.injection.words import HARDLY_THERE, MOST_MISSING, Words
from harness.verdicts import OwnBound


@dataclass(frozen=True)
class Twin:
    """One clean clip with all that was seen in it. ``kind`` names its material ("f16", "flite slt")."""

    chunk: Chunk
    attempt: Attempt
    samples: Samples
    sample_rate: int
    observations: Mapping[str, Measurement]
    variant: Variant
    kind: str = ""
    reference: ReferenceRecord | None = None
    layout: TokenLayout | None = None
    previous: Twin | None = None
    other: Twin | None = None  # another voice
    words: Words = ()
    own: Mapping[str, OwnBound] = field(default_factory=dict)  # what the other chunks of its run allow
    expected: Mapping[str, float] = field(default_factory=dict)  # and what they lead to expect of this text
    voice_embeddings: Mapping[str, Sequence[float]] = field(default_factory=dict)  # what its voice is compared with

    @property
    def view(self) -> DetectorInput:
        """Return the clean clip as the classes see it."""
        before = self.previous.chunk if self.previous is not None else None
        return DetectorInput(
            self.chunk, self.attempt, self.observations, self.reference, before, self.layout, self.expected
        )

    def material(self, needs_words: bool = False) -> InjectionMaterial:
        """Return what injectors get. Raises CannotInject where words are needed and their times are unknown."""
        cap = self.attempt.noted.get("cap")
        layout = self.layout
        if layout is not None and layout.cap is None and isinstance(cap, int):
            layout = replace(layout, cap=cap)
        return InjectionMaterial(
            self.chunk,
            self.samples,
            self.sample_rate,
            self.word_times() if needs_words else (),
            self.attempt.tokens,
            layout,
            previous=_bare(self.previous),
            other=_bare(self.other),
        )

    def word_times(self) -> Words:
        """Return words with start and end (s): those given, the backend's own, else the recognizer's where it missed
        few.
        """
        if self.words:
            return self.words
        told = self.attempt.noted.get("words")
        if told:
            return tuple((str(word), float(start), float(end)) for word, start, end in told)
        read = Payloads(self.observations)("edit_likelihood")
        if read is None:
            raise CannotInject("the times of the words are unknown")
        words = read["words"]
        if sum(word["logprob"] < HARDLY_THERE for word in words) > MOST_MISSING * len(words):
            raise CannotInject("the recognizer did not find every word")
        return tuple((str(word["word"]), float(word["start"]), float(word["end"])) for word in words)


def _bare(twin: Twin | None) -> InjectionMaterial | None:
    return None if twin is None else InjectionMaterial(twin.chunk, twin.samples, twin.sample_rate)
