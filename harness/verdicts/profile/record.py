"""A profile on disk and in memory."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.documents import parse_model, read_json
from harness.core.errors import ConfigError
from harness.core.records import Chunk, Json, ReferenceRecord
from harness.text import with_normaliser
from harness.verdicts.profile.stored import ProfileTotals, StoredChunk, StoredProfile, VoiceFigures

SCHEMA = 1
DIGITS = 4  # significant, of what is stored


def text_key(chunk: Chunk) -> str:
    """Return what a text is found by: 16 hex digits over language, text and what is expected of it."""
    parts = [chunk.language, chunk.text, *filter(None, [chunk.expected])]
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


@dataclass(frozen=True)
class Profile:
    """Several seeds of the reference on each text, and the voice as a whole.

    ``keys`` are hashes and versions it was made under (model, settings, corpus, scorers); ``voice`` holds figures of
    the voice over all texts; ``totals`` counts (attempts, judged, faulty, faults by class, WER and CER with counts).
    """

    keys: Mapping[str, str]
    records: Mapping[str, ReferenceRecord]
    voice: VoiceFigures = field(default_factory=lambda: VoiceFigures())
    totals: ProfileTotals = field(default_factory=lambda: ProfileTotals())

    def record(self, chunk: Chunk) -> ReferenceRecord | None:
        """Return what the reference did with this text, whatever corpus it comes from; None when it never spoke it."""
        return self.records.get(text_key(chunk))

    @property
    def voice_embeddings(self) -> Mapping[str, Sequence[float]]:
        """Return by encoder name the mean embedding of the voice (unit length)."""
        return self.voice.get("embeddings", {})

    def mismatch(self, keys: Mapping[str, str]) -> str:
        """Name every key on which the profile and ``keys`` differ, in one line, or return an empty string."""
        mine = with_normaliser(self.keys)
        common = sorted(set(mine) & set(keys))
        wrong = [f"{k} was {mine[k][:16]}, is {keys[k][:16]}" for k in common if mine[k] != keys[k]]
        return f"the reference's profile was made under other conditions: {'; '.join(wrong)}" if wrong else ""

    def save(self, path: Path) -> None:
        """Write compact JSON, gzipped when the name ends in ``.gz``; equal profiles give equal bytes."""
        faults = sorted({name for record in self.records.values() for name in record.evidence})
        figures = sorted({name for record in self.records.values() for name in record.figures})
        data = {
            "schema": SCHEMA,
            "keys": dict(sorted(self.keys.items())),
            "voice": self.voice,
            "totals": self.totals,
            "faults": faults,
            "figures": figures,
            "chunks": {key: _pack(self.records[key], faults, figures) for key in sorted(self.records)},
        }
        text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
        path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)

    @classmethod
    def load(cls, path: Path) -> Profile:
        """Read a profile. Raises ConfigError naming the file when it cannot be used."""
        data: object = read_json(path, "profile")
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema != SCHEMA:
            raise ConfigError(f"{path}: schema is {schema!r}, this version reads {SCHEMA}; build the profile again")
        stored = parse_model(StoredProfile, data, f"{path}: not a profile")
        records = {key: _unpack(row, stored.faults, stored.figures) for key, row in stored.chunks.items()}
        return cls(stored.keys, records, stored.voice, stored.totals)


def round_digits(value: float, digits: int = DIGITS) -> float:
    """Return ``value`` to a few significant digits, so that profiles stay small."""
    return float(f"{value:.{digits}g}")


def _pack(record: ReferenceRecord, faults: Sequence[str], figures: Sequence[str]) -> Json:
    def column(values: Sequence[float]) -> list[float]:
        return [round_digits(v) for v in values]

    return {
        "id": record.chunk_id,
        "e": [column(record.evidence.get(name, ())) for name in faults],
        "f": [column(record.figures.get(name, ())) for name in figures],
        "d": column(record.durations),
        "n": list(record.token_counts),
        "x": list(record.transcripts),
    }


def _unpack(row: StoredChunk, faults: Sequence[str], figures: Sequence[str]) -> ReferenceRecord:
    return ReferenceRecord(
        chunk_id=row.id,
        evidence={name: values for name, values in zip(faults, row.e, strict=True) if values},
        durations=row.d,
        token_counts=row.n,
        transcripts=row.x,
        figures={name: values for name, values in zip(figures, row.f, strict=True) if values},
    )
