"""A run in little: what a later run is compared with, small enough to be committed.

A chunk is ``[judged word, word errors, words, CPU seconds, audio seconds, seconds of the request]``; None stands for
what was not measured. Schema 1 had no seconds of the request: such a baseline has no speed to compare with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter

from harness.core.documents import parse_model, read_json
from harness.core.errors import ConfigError
from harness.core.records import Attempt, Json, VerdictWord
from harness.core.records.payloads import ErrorRate
from harness.report.material import ReportData, read_report_data
from harness.report.summarise import run_summary
from harness.report.summary import RunSummary
from harness.store import Run
from harness.store.manifest import CpuProvenance, GpuProvenance

SCHEMA = 2
READS = (1, 2)
_LETTERS = {"c": False, "f": True, "n": None}


@dataclass(frozen=True, slots=True)
class DigestChunk:
    """One chunk of one variant. ``faulty`` is None where it was not judged."""

    faulty: bool | None
    errors: float | None = None
    words: float | None = None
    cpu_seconds: float | None = None
    duration: float | None = None
    wall_seconds: float | None = None


def _named(row: object) -> object:
    """Return a stored row by the names of its fields."""
    if not isinstance(row, list) or len(row) not in (5, 6) or row[0] not in list(_LETTERS):
        raise ValueError("not the row of a chunk")
    names = [field.name for field in fields(DigestChunk)]
    return dict(zip(names, [_LETTERS[row[0]], *row[1:]], strict=False))


def _row(one: DigestChunk) -> list[str | float | None]:
    letter = "n" if one.faulty is None else ("f" if one.faulty else "c")
    return [
        letter,
        one.errors,
        one.words,
        *(None if v is None else round(v, 3) for v in (one.cpu_seconds, one.duration, one.wall_seconds)),
    ]


@dataclass(frozen=True, slots=True)
class DigestCorpus:
    """Which corpus was spoken."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class VariantDigest:
    """The chunks of one variant, and its largest memory."""

    chunks: Mapping[str, Annotated[DigestChunk, BeforeValidator(_named), PlainSerializer(_row, return_type=list)]]
    peak_memory_bytes: int | None = None


@dataclass(frozen=True)
class Digest:
    """What is kept of one run, as it is written. ``timed``: timings are valid; ``machine``: what took them."""

    run_id: str
    created_utc: str
    suite: str
    corpus: DigestCorpus
    recognizer: str
    timed: bool | None
    variants: Mapping[str, VariantDigest]
    commit: str | None = None
    name: str = ""
    machine: str = ""

    @property
    def judged(self) -> int:
        """Return how many chunks were judged."""
        return sum(one.faulty is not None for part in self.variants.values() for one in part.chunks.values())

    def to_json(self) -> Json:
        """Return plain JSON, the same for the same run."""
        return {"schema": SCHEMA, **TypeAdapter(Digest).dump_python(self, mode="json")}

    @classmethod
    def from_json(cls, data: object, where: str) -> Digest:
        """Return the inverse of ``to_json``. Raises ConfigError naming the file."""
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema not in READS:
            raise ConfigError(f"{where}: not a baseline this version reads (schema {schema!r}, expected {SCHEMA})")
        return parse_model(cls, data, f"{where}: a damaged baseline")

    @classmethod
    def load(cls, path: Path) -> Digest:
        """Read a file. Raises ConfigError naming it."""
        return cls.from_json(read_json(path, "baseline"), str(path))


def digest(run: Run, name: str = "") -> Digest:
    """Take what is kept of a run. Raises StoreError for a damaged row."""
    return digest_of(run, run_summary(run), read_report_data(run), name)


def digest_of(run: Run, summary: RunSummary, material: ReportData, name: str = "") -> Digest:
    """Take what is kept of a run that was read already. Raises StoreError for a damaged row."""
    heard = summary.recognizer
    errors = {
        number: wer
        for number, measurement in run.all_observations("intelligibility")
        if (wer := measurement.transcript.get("wer"))
    }
    variants = {
        variant: VariantDigest(
            {row.attempt.chunk_id: _of(row.word, row.attempt, errors.get(row.attempt.id or -1)) for row in rows},
            summary.variants[variant].peak_memory_bytes if variant in summary.variants else None,
        )
        for variant, rows in material.spoken.items()
    }
    return Digest(
        run_id=run.run_id,
        created_utc=str(run.manifest.get("created_utc", "")),
        suite=summary.suite,
        corpus=DigestCorpus(summary.corpus.name, summary.corpus.sha256),
        recognizer=f"{heard.engine} {heard.model} {heard.normaliser}" if heard.model else "nobody",
        timed=summary.timings.valid,
        variants=variants,
        commit=summary.provenance.get("code", {}).get("commit"),
        name=name,
        machine=_machine(summary.provenance.get("cpu", {}), summary.provenance.get("gpus", [])),
    )


def _machine(cpu: CpuProvenance, gpus: Sequence[GpuProvenance]) -> str:
    """Return what took the times: another GPU is another machine."""
    own = f"{cpu['model']}, {cpu['usable']} cores" if cpu.get("model") and cpu.get("usable") else ""
    return "; ".join(filter(None, (own, *(str(gpu.get("name", "")) for gpu in gpus))))


def _of(word: VerdictWord, attempt: Attempt, wer: ErrorRate | None) -> DigestChunk:
    return DigestChunk(
        word is VerdictWord.FAULTY if word.judged else None,
        wer["errors"] if wer else None,
        wer["words"] if wer else None,
        attempt.cpu_seconds,
        attempt.duration,
        attempt.wall_seconds,
    )
