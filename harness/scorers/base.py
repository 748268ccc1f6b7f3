"""The protocol of a scorer: one measurement, declared needs, no judgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from harness.core.records import Attempt, Chunk, Measurement, Samples, Status, TokenLayout, Variant


@dataclass
class Clip:
    """One attempt as scorers see it. Costly views (STFT, F0, 16 kHz copy) are computed once and shared.

    Shared views are added as cached properties in ``harness/scorers/clip.py`` (class ``SharedClip``).
    """

    chunk: Chunk
    attempt: Attempt
    samples: Samples | None  # at the attempt's own rate; may hold NaN, as the backend gave it
    sample_rate: int | None
    variant: Variant
    layout: TokenLayout | None = None
    voice_embeddings: Mapping[str, Sequence[float]] = field(default_factory=dict)  # encoder name -> reference embedding

    @cached_property
    def duration(self) -> float | None:
        """Return seconds of audio, or None without audio."""
        if self.samples is None or not self.sample_rate:
            return None
        return len(self.samples) / self.sample_rate


class Scorer(Protocol):
    """One measurement. ``room`` says in which process it runs: "analysis" or "recognizer".

    ``needs`` is a subset of {"audio", "text", "tokens", "voice"}; what is not there gives a NOT_AVAILABLE
    observation with the reason, made by ``harness.scorers.observe``. ``observe`` may raise: that becomes an ERROR
    observation, and the classes resting on it cannot judge.
    """

    name: str
    version: str
    room: str
    needs: frozenset[str]

    def setup(self) -> None: ...

    def observe(self, clip: Clip) -> Mapping[str, object]: ...


class ScorerClass(Protocol):
    """The class of a scorer, as the registry gives it: called with the plan's options, all of them texts."""

    name: str
    version: str
    room: str

    def __call__(self, **options: str) -> Scorer: ...


class Unavailable(Exception):
    """Raised by ``observe`` where the clip gives the scorer nothing to measure (too short, another language)."""


def missing_need(scorer: Scorer, clip: Clip) -> str:
    """Return why the scorer has nothing to look at, or an empty string."""
    if "audio" in scorer.needs and (clip.samples is None or len(clip.samples) == 0):
        return f"no audio ({clip.attempt.outcome.value})"
    if "text" in scorer.needs and not clip.chunk.text.strip():
        return "no text"
    if "tokens" in scorer.needs and clip.attempt.tokens is None and clip.attempt.token_count is None:
        return "the backend gives no tokens"
    if "voice" in scorer.needs and not clip.voice_embeddings:
        return "no voice prompt to compare with"
    return ""


def observe(scorer: Scorer, clip: Clip) -> Measurement:
    """Run one scorer on one clip; never raises for what the clip holds."""
    reason = missing_need(scorer, clip)
    if reason:
        return Measurement(scorer.name, scorer.version, Status.NOT_AVAILABLE, {}, reason)
    try:
        return Measurement(scorer.name, scorer.version, Status.OK, dict(scorer.observe(clip)))
    except Unavailable as error:
        return Measurement(scorer.name, scorer.version, Status.NOT_AVAILABLE, {}, str(error))
    except Exception as error:  # a detector that fails must not look like a clean one
        return Measurement(scorer.name, scorer.version, Status.ERROR, {}, f"{type(error).__name__}: {error}"[:300])
