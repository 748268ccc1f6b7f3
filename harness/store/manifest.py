"""The shape of a run's manifest, as far as anybody reads it: what is there has its type, and a whole one has it all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.core.errors import StoreError, first_problem
from harness.core.records import Json


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class StoredText(_Part):
    """One chunk of the corpus."""

    id: str
    text: str
    language: str = "en"
    tags: list[str] = Field(default_factory=list)


class StoredCorpus(_Part):
    """What was to be spoken."""

    name: str
    sha256: str
    texts: list[StoredText]
    partial: bool = False


class StoredVariant(_Part):
    """What was under test."""

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)


class StoredProvenance(_Part):
    """Where a result comes from."""

    command: list[str]


class StoredFingerprint(_Part):
    """What must be unchanged for the run to be resumed or taken over."""

    corpus: dict[str, Any]
    models: dict[str, dict[str, Any]]
    settings: dict[str, dict[str, Any]]
    scorers: dict[str, dict[str, Any]]
    files: dict[str, dict[str, Any]] = Field(default_factory=dict)
    recognizers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    code: str


class StoredManifest(_Part):
    """A whole manifest, as the engine writes it."""

    run_id: str
    suite: str
    created_utc: str = ""
    corpus: StoredCorpus
    variants: list[StoredVariant]
    reference: str | None = None
    references: dict[str, str] = Field(default_factory=dict)
    scorers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    limits: dict[str, dict[str, Any]]
    profiles: dict[str, str | None]
    refused: dict[str, str] | None = None
    reference_figures: dict[str, dict[str, Any]] = Field(default_factory=dict)
    margins: dict[str, Any] = Field(default_factory=dict)
    experiment: dict[str, Any] = Field(default_factory=dict)
    provenance: StoredProvenance
    fingerprint: StoredFingerprint | None = None


def check_whole(run: Path, manifest: Json, *, resumed: bool = False) -> None:
    """Raise StoreError, one line naming the key, for a manifest that a report or (``resumed``) a resume cannot use."""
    place = f"{run / 'manifest.json'}: damaged"
    try:
        whole = StoredManifest.model_validate(manifest)
    except ValidationError as error:
        raise StoreError(f"{place} ({first_problem(error)})") from None
    if resumed and whole.fingerprint is None:
        raise StoreError(f"{place} (fingerprint: is missing)")
