"""The shape of a run's manifest, as far as anybody reads it: what is there has its type, and a whole one has it all.

Typed dictionaries, because a manifest is plain JSON that is written once and handed on as it is; mypy checks the keys
that are read, and ``check_whole`` the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NotRequired, TypeAlias

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12 on

from harness.core.errors import StoreError, first_problem
from harness.core.records import ScorerOptions

FingerprintTables: TypeAlias = Mapping[str, Mapping[str, object]]
_OPEN = ConfigDict(strict=True, extra="allow")


@with_config(_OPEN)
class StoredText(TypedDict):
    """One chunk of the corpus."""

    id: str
    text: str
    language: NotRequired[str]
    tags: NotRequired[list[str]]
    position: NotRequired[int]
    expected: NotRequired[str]


@with_config(_OPEN)
class StoredCorpus(TypedDict):
    """What was to be spoken."""

    name: str
    sha256: str
    texts: list[StoredText]
    source: NotRequired[str]
    chunks: NotRequired[int]
    partial: NotRequired[bool]


@with_config(_OPEN)
class StoredVariant(TypedDict):
    """What was under test."""

    name: str
    settings: NotRequired[dict[str, object]]  # the adapter's own keys
    adapter: NotRequired[str]
    voice: NotRequired[str | None]
    seed: NotRequired[int]
    seed_policy: NotRequired[str]
    language: NotRequired[str]
    source: NotRequired[str]


@with_config(_OPEN)
class CodeProvenance(TypedDict, total=False):
    """Commit and state of the checkout, and a hash over the source files."""

    sha256: str
    commit: str | None
    dirty: bool | None
    reason: str


@with_config(_OPEN)
class CpuProvenance(TypedDict, total=False):
    """The processor, and how many of its cores the run might use."""

    model: str | None
    cores: int | None
    usable: int | None


@with_config(_OPEN)
class GpuProvenance(TypedDict, total=False):
    """One graphics processor; memory in bytes."""

    name: str
    memory_bytes: int | None
    memory_used_bytes: int | None
    driver: str


@with_config(_OPEN)
class Provenance(TypedDict):
    """Where a result comes from."""

    command: list[str]
    code: NotRequired[CodeProvenance]
    python: NotRequired[str]
    packages: NotRequired[dict[str, str | None]]
    platform: NotRequired[str]
    cpu: NotRequired[CpuProvenance]
    memory_bytes: NotRequired[int | None]
    gpus: NotRequired[list[GpuProvenance]]
    environment: NotRequired[dict[str, str]]
    models: NotRequired[dict[str, dict[str, str]]]


@with_config(_OPEN)
class PlanOptions(TypedDict, total=False):
    """Options of the plan that decide what is spoken and judged."""

    confirmation: dict[str, object]
    quiet_chunks: int
    stop_early: bool
    clients: int
    shards: int


@with_config(_OPEN)
class StoredFingerprint(TypedDict):
    """What must be unchanged for the run to be resumed or taken over; tables by variant or scorer."""

    corpus: dict[str, object]
    models: FingerprintTables
    settings: FingerprintTables
    scorers: FingerprintTables
    files: NotRequired[FingerprintTables]
    recognizers: NotRequired[FingerprintTables]
    suite: NotRequired[str]
    selection: NotRequired[dict[str, str]]
    standards: NotRequired[Mapping[str, object]]
    limits: NotRequired[dict[str, object]]
    packages: NotRequired[dict[str, str | None]]
    options: NotRequired[PlanOptions]
    code: str


FingerprintPart: TypeAlias = Literal["models", "settings", "files", "recognizers", "scorers"]


@with_config(_OPEN)
class ReferenceChunk(TypedDict, total=False):
    """Mean word errors and words, and median speech tokens, of the reference on one text."""

    errors: float | None
    words: float | None
    tokens: float | None


@with_config(_OPEN)
class ReferenceTotals(TypedDict, total=False):
    """Counts over all that the reference spoke."""

    judged: int
    faulty: int


@with_config(_OPEN)
class ReferenceFigures(TypedDict, total=False):
    """What the manifest freezes of a profile; empty where a variant has none."""

    totals: ReferenceTotals
    chunks: dict[str, ReferenceChunk]


@with_config(_OPEN)
class Manifest(TypedDict):
    """A whole manifest, as the engine writes it."""

    run_id: str
    suite: str
    created_utc: NotRequired[str]
    schema_version: NotRequired[int]
    harness: NotRequired[str]
    arguments: NotRequired[list[str]]
    corpus: StoredCorpus
    variants: list[StoredVariant]
    reference: NotRequired[str | None]
    references: NotRequired[dict[str, str]]
    scorers: NotRequired[dict[str, ScorerOptions]]
    limits: dict[str, dict[str, object]]
    profiles: dict[str, str | None]
    refused: NotRequired[dict[str, str] | None]
    reference_figures: NotRequired[dict[str, ReferenceFigures]]
    left_out: NotRequired[list[str]]
    margins: NotRequired[dict[str, dict[str, object]]]
    experiment: NotRequired[dict[str, dict[str, object]]]
    provenance: Provenance
    fingerprint: NotRequired[StoredFingerprint | None]


def fingerprint_part(stored: StoredFingerprint | None, part: FingerprintPart) -> FingerprintTables:
    """Return one table of a fingerprint by variant or scorer, empty where the run has none."""
    table: FingerprintTables = {} if stored is None else stored.get(part, {})
    return table


@cache
def _whole() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)


def check_whole(run: Path, manifest: Manifest, *, resumed: bool = False) -> None:
    """Raise StoreError, one line naming the key, for a manifest that a report or (``resumed``) a resume cannot use."""
    place = f"{run / 'manifest.json'}: damaged"
    try:
        _whole().validate_python(manifest)
    except ValidationError as error:
        raise StoreError(f"{place} ({first_problem(error)})") from None
    if resumed and manifest.get("fingerprint") is None:
        raise StoreError(f"{place} (fingerprint: is missing)")
