"""What travels between the harness and a scoring process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.records import Attempt, Chunk, Measurement, TokenLayout, Variant


@dataclass(frozen=True)
class ScoreJob:
    """One attempt to be scored; the audio is read from disk by the scoring process."""

    attempt: Attempt
    chunk: Chunk
    audio: Path | None
    variant: Variant
    layout: TokenLayout | None = None
    voice_embeddings: Mapping[str, Sequence[float]] = field(default_factory=dict)
    scorers: tuple[str, ...] | None = None  # None: all that the room was set up with


@dataclass(frozen=True)
class ScoreResult:
    """What one room saw in one attempt."""

    room: str
    attempt_id: int
    observations: tuple[Measurement, ...]
    cpu_seconds: float | None = None  # spent by the scoring process on this attempt
