"""The shape of a profile on disk, checked where it is read: a wrong file is one line, never a traceback later."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

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


class StoredErrors(_Model):
    """Recognition errors and what they are counted among."""

    errors: Count
    words: Count | None = None
    characters: Count | None = None


class StoredTotals(BaseModel):
    """Counts over all takes."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    attempts: Count = 0
    judged: Count = 0
    faulty: Count = 0
    faults: dict[str, Count] = Field(default_factory=dict)
    wer: StoredErrors | None = None
    cer: StoredErrors | None = None

    @model_validator(mode="after")
    def _counts_fit(self) -> StoredTotals:
        if self.faulty > self.judged:
            raise ValueError(f"{self.faulty} faulty of {self.judged} judged")
        return self


class StoredVoice(BaseModel):
    """Figures of the voice over all texts."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    embeddings: dict[str, Figures] = Field(default_factory=dict)
    figures: dict[str, Any] = Field(default_factory=dict)


class StoredProfile(_Model):
    """A whole profile."""

    schema_: Literal[1] = Field(alias="schema")
    keys: dict[str, str]
    voice: StoredVoice
    totals: StoredTotals
    faults: list[str]
    figures: list[str]
    chunks: dict[str, StoredChunk]

    @model_validator(mode="after")
    def _columns_fit(self) -> StoredProfile:
        for key, row in self.chunks.items():
            if len(row.e) != len(self.faults) or len(row.f) != len(self.figures):
                raise ValueError(f"chunks.{key}: its columns do not fit 'faults' and 'figures'")
        return self
