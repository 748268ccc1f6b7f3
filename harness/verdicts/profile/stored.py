"""The shape of a profile on disk, checked where it is read: a wrong file is one line, never a traceback later."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator, with_config
from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12 on

Count = Annotated[int, Field(ge=0, lt=2**53)]
Figures = list[FiniteFloat]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StoredChunk(_Model):
    """What the reference did with one text; ``e`` and ``f`` have a list for each of the profile's columns."""

    id: str
    e: list[Figures]
    f: list[Figures]
    d: Figures
    n: list[Count]
    x: list[str]
    w: Figures | None = None  # of earlier versions, not read


class ErrorTotals(TypedDict, total=False):
    """Recognition errors and what they are counted among."""

    errors: Count
    words: Count
    characters: Count


@with_config(ConfigDict(strict=True, extra="allow"))
class ProfileTotals(TypedDict, total=False):
    """Counts over all takes."""

    attempts: Count
    seeds: Count
    judged: Count
    faulty: Count
    faults: dict[str, Count]
    failed: Count
    wer: ErrorTotals
    cer: ErrorTotals


class FigureSpread(TypedDict):
    """Quantiles of a figure over all texts and seeds."""

    n: int
    p05: float
    median: float
    p95: float


@with_config(ConfigDict(strict=True, extra="allow"))
class VoiceFigures(TypedDict, total=False):
    """Figures of the voice over all texts."""

    embeddings: dict[str, Figures]
    figures: dict[str, FigureSpread]


class StoredProfile(_Model):
    """A whole profile."""

    schema_: Literal[1] = Field(alias="schema")
    keys: dict[str, str]
    voice: VoiceFigures
    totals: ProfileTotals
    faults: list[str]
    figures: list[str]
    chunks: dict[str, StoredChunk]

    @model_validator(mode="after")
    def _counts_fit(self) -> StoredProfile:
        faulty, judged = self.totals.get("faulty", 0), self.totals.get("judged", 0)
        if faulty > judged:
            raise ValueError(f"totals: {faulty} faulty of {judged} judged")
        return self

    @model_validator(mode="after")
    def _columns_fit(self) -> StoredProfile:
        for key, row in self.chunks.items():
            if len(row.e) != len(self.faults) or len(row.f) != len(self.figures):
                raise ValueError(f"chunks.{key}: its columns do not fit 'faults' and 'figures'")
        return self
