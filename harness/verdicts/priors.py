"""What healthy voices are like: the distribution of each detection over many of them, committed with the tool."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.core.documents import parse_model, read_json
from harness.core.paths import DATA
from harness.core.records import Json

PRIORS = DATA / "priors.json"
SCHEMA = 2  # 2: four buckets of lengths
BUCKETS = (3, 12, 20, None)  # words; short texts vary more: those of 13 to 20 words still twice as much as longer ones
UNMEASURED_TAIL = 8.0  # robust deviations that healthy chunks stay within, for a detector without a prior


@dataclass(frozen=True, slots=True)
class Prior:
    """One detector over many healthy voices.

    ``tail``: robust standard deviations beyond a voice's own expectation that its healthy chunks exceed with the
    detector's share of the false-alarm budget. ``widening``: factor on that, a bucket of lengths. ``low`` and ``high``:
    what the chunks of any of these voices stay within, a bucket (None: no text of this length was heard).
    ``voices_low`` and ``voices_high``: the medians of the lowest and of the highest voice.
    """

    chunks: int
    voices: int
    tail: float
    widening: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    voices_low: float
    voices_high: float

    @property
    def source(self) -> str:
        """Return where the limit came from, in words."""
        return f"prior: {self.chunks:,} chunks of {self.voices} healthy voices"


@dataclass(frozen=True, slots=True)
class FigureRange:
    """A figure of a whole run (``harness.verdicts.whole``): what the medians of healthy voices stay within."""

    low: float
    high: float
    voices: int


@dataclass(frozen=True)
class Priors:
    """All detectors that were measured over healthy voices; ``voices`` names these with their chunks."""

    detectors: Mapping[str, Prior] = field(default_factory=dict)
    figures: Mapping[str, FigureRange] = field(default_factory=dict)
    voices: Mapping[str, int] = field(default_factory=dict)
    date: str = ""

    @classmethod
    @cache
    def shipped(cls) -> Priors:
        """Return the priors that come with the tool."""
        return cls.load(PRIORS)

    @classmethod
    def load(cls, path: Path) -> Priors:
        """Read a file of priors. Raises ConfigError naming it when it cannot be used."""
        stored = parse_model(_StoredPriors, read_json(path, "file of priors"), f"{path}: no priors")
        return cls(stored.detectors, stored.figures, stored.voices, stored.date)

    def to_json(self) -> Json:
        """Return plain JSON; the inverse of :meth:`load`."""
        rows = {name: _written(self.detectors[name]) for name in sorted(self.detectors)}
        return {
            "schema": SCHEMA,
            "date": self.date,
            "voices": dict(sorted(self.voices.items())),
            "figures": {name: asdict(self.figures[name]) for name in sorted(self.figures)},
            "detectors": rows,
        }

    def tail(self, detector: str) -> float:
        """Return how many robust deviations the healthy chunks of a voice stay within."""
        prior = self.detectors.get(detector)
        return prior.tail if prior is not None else UNMEASURED_TAIL

    def widening(self, detector: str, bucket: int) -> float:
        """Return how much more texts of a bucket of lengths vary than long ones, at least 1."""
        prior = self.detectors.get(detector)
        return prior.widening[bucket] if prior is not None else 1.0


def bucket_of(words: int) -> int:
    """Return the index of the bucket of lengths that holds a text of ``words`` words."""
    return next(i for i, top in enumerate(BUCKETS) if top is None or words <= top)


class _StoredPriors(BaseModel):
    """The file of priors; its ``schema`` is checked first."""

    model_config = ConfigDict(frozen=True)

    version: Literal[2] = Field(alias="schema")
    date: str
    voices: dict[str, int]
    figures: dict[str, FigureRange]
    detectors: dict[str, Prior]

    @field_validator("detectors")
    @classmethod
    def _buckets_fit(cls, detectors: dict[str, Prior]) -> dict[str, Prior]:
        for name, prior in detectors.items():
            if not all(len(part) == len(BUCKETS) for part in (prior.widening, prior.low, prior.high)):
                raise ValueError(f"{name}: {len(BUCKETS)} buckets of lengths are needed")
        return detectors


def _written(prior: Prior) -> Json:
    def short(values: Sequence[float | None]) -> list[float | None]:
        return [None if v is None or not math.isfinite(v) else float(f"{v:.4g}") for v in values]

    return {
        "chunks": prior.chunks,
        "voices": prior.voices,
        "tail": float(f"{prior.tail:.4g}"),
        "widening": short(prior.widening),
        "low": short(prior.low),
        "high": short(prior.high),
        "voices_low": float(f"{prior.voices_low:.4g}"),
        "voices_high": float(f"{prior.voices_high:.4g}"),
    }
