"""Reading a run: the latest record by default, in the order of requests, each row checked."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from harness.core.errors import StoreError
from harness.core.records import (
    Attempt,
    Chunk,
    Claim,
    Computes,
    Detection,
    Measurement,
    Payloads,
    Samples,
    Verdict,
)
from harness.core.records.answered import StoredCapabilities
from harness.store.cells import to_cell
from harness.store.convert import attempt_of, chunk_of, claim_of, evidence_of, observation_of, verdict_of
from harness.store.journal import Journal
from harness.store.lock import held
from harness.store.manifest import Manifest
from harness.store.recorded import EpochRow, EventRow, SessionRow
from harness.store.rows import Row
from harness.store.sounds import Sounds

R = TypeVar("R")

# The newest record of each attempt and scorer (fault); ids grow with time, clocks need not.
_NEWEST_OBSERVATION = "id IN (SELECT max(id) FROM observations GROUP BY attempt_id, scorer)"
_NEWEST_VERDICT = "id IN (SELECT max(id) FROM verdicts GROUP BY attempt_id)"
_NEWEST_EVIDENCE = "id IN (SELECT max(id) FROM evidence GROUP BY attempt_id, fault)"
_NEWEST_CLAIM = "id IN (SELECT max(id) FROM claims GROUP BY name, variant)"


class Reader:
    """What can be asked of a run. Everything raises StoreError for a damaged row, naming it."""

    path: Path
    run_id: str
    manifest: Manifest

    def __init__(self, path: Path, manifest: Manifest, journal: Journal) -> None:
        self.path = path
        self.manifest = manifest
        self.run_id = str(manifest["run_id"])
        self._journal = journal
        self._sounds = Sounds(path)

    @property
    def suite(self) -> str:
        """Return the suite that was run."""
        return str(self.manifest["suite"])

    @property
    def variant_names(self) -> list[str]:
        """Return what was under test, in the order of the variants file."""
        return [str(variant["name"]) for variant in self.manifest["variants"]]

    @property
    def reference(self) -> str | None:
        """Return the variant that the others are held against, where the run had one."""
        name = self.manifest.get("reference")
        return None if name is None else str(name)

    @property
    def corpus_name(self) -> str:
        """Return the corpus that was spoken."""
        return str(self.manifest["corpus"]["name"])

    @property
    def shards(self) -> int:
        """Return into how many sessions of consecutive chunks the run was cut."""
        fingerprint = self.manifest.get("fingerprint")
        return fingerprint.get("options", {}).get("shards", 1) if fingerprint is not None else 1

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """Return every chunk of the corpus, in order, as it was when the run began."""
        return tuple(chunk_of(text) for text in self.manifest["corpus"]["texts"])

    @property
    def schema_version(self) -> int:
        """Return version of the journal as it is read (after an upgrade, the newer one)."""
        return self._journal.version

    @property
    def status(self) -> str:
        """Return "running", "finished", "interrupted" or another word given to ``finish``."""
        rows = self._journal.rows("states", "ORDER BY id DESC LIMIT 1")
        return str(rows[0]["status"]) if rows else "running"

    @property
    def crashed(self) -> bool:
        """Return whether the run was never finished and no living process writes it."""
        return self.status == "running" and not held(self.path)

    def sessions(self) -> list[SessionRow]:
        return [
            SessionRow(
                row["id"], row["variant"], row["arm"], tuple(row["chunk_ids"]), row["details"] or {}, row["started_utc"]
            )
            for row in self._journal.rows("sessions", "ORDER BY id")
        ]

    def epochs(self, session: int) -> list[EpochRow]:
        return [
            EpochRow(row["session"], row["epoch"], row["reason"], row["capabilities"] or {}, row["started_utc"])
            for row in self._journal.rows("epochs", "WHERE session = ? ORDER BY epoch", (session,))
        ]

    def capabilities_of(self, variant: str) -> list[StoredCapabilities]:
        """Return what each worker of a variant said of itself when it was loaded, in order."""
        return [
            epoch.capabilities for row in self.sessions() if row.variant == variant for epoch in self.epochs(row.id)
        ]

    def is_recorded(self, variant: str) -> bool:
        """Return whether a variant is audio that existed before, which cannot be spoken again."""
        capabilities = self.capabilities_of(variant)
        return bool(capabilities) and capabilities[-1].get("computes") == Computes.NOWHERE

    def model_bytes(self, variant: str) -> int | None:
        """Return the size of the model file, as the adapter said; None where it did not."""
        sizes = (one.get("details", {}).get("model_bytes") for one in self.capabilities_of(variant))
        return next((size for size in sizes if isinstance(size, int)), None)

    def attempts(
        self, *, variant: str | None = None, arm: str | None = None, session: int | None = None
    ) -> list[Attempt]:
        """Return attempts in the order of requests (session, sequence), never by clock."""
        where, arguments = _where(variant=variant, arm=arm, session=session)
        rows = self._journal.rows("attempts", f"{where} ORDER BY session, sequence, id", arguments)
        return [_as(attempt_of, row) for row in rows]

    def attempt_count(self) -> int:
        """Return how many attempts there are, without reading them."""
        return int(self._journal.query("SELECT count(*) FROM attempts")[0][0])

    def attempt(self, attempt_id: int) -> Attempt:
        """Return one attempt by id. Raises StoreError when there is none."""
        rows = self._journal.rows("attempts", "WHERE id = ?", (attempt_id,))
        if not rows:
            raise StoreError(f"{self.path}: there is no attempt {attempt_id}")
        return _as(attempt_of, rows[0])

    def observations(self, attempt_id: int) -> dict[str, Measurement]:
        """Return the newest observation of each scorer."""
        rows = self._journal.rows("observations", "WHERE attempt_id = ? ORDER BY id", (attempt_id,))
        return {row["scorer"]: _as(observation_of, row) for row in rows}

    def all_observations(
        self, scorer: str | None = None, variant: str | None = None
    ) -> Iterator[tuple[int, Measurement]]:
        """Yield (attempt id, newest measurement of a scorer) over the run, in order of recording."""
        where, arguments = _where(scorer=scorer)
        where = f"{where} AND" if where else "WHERE"
        of_variant, more = self._of_variant(variant, None)
        rows = self._journal.rows(
            "observations", f"{where} {_NEWEST_OBSERVATION}{of_variant} ORDER BY attempt_id, id", [*arguments, *more]
        )
        for row in rows:
            yield row["attempt_id"], _as(observation_of, row)

    def verdict(self, attempt_id: int) -> Verdict | None:
        """Return the newest verdict of an attempt, or None."""
        row = self._newest_verdict(attempt_id)
        return None if row is None else _as(verdict_of, row)

    def limits_key(self, attempt_id: int) -> str | None:
        """Return which limits the newest verdict of an attempt was judged with."""
        row = self._newest_verdict(attempt_id)
        return None if row is None else str(row["limits_key"])

    def _newest_verdict(self, attempt_id: int) -> Row | None:
        rows = self._journal.rows("verdicts", "WHERE attempt_id = ? ORDER BY id DESC LIMIT 1", (attempt_id,))
        return rows[0] if rows else None

    def payloads(self, attempt_id: int) -> Payloads:
        """Return what the scorers measured in an attempt, with its types."""
        return Payloads(self.observations(attempt_id))

    def verdicts(self, variant: str | None = None, arm: str | None = None) -> dict[int, Verdict]:
        """Return attempt id -> newest verdict."""
        of_variant, arguments = self._of_variant(variant, arm)
        where = f"WHERE {_NEWEST_VERDICT}{of_variant} ORDER BY attempt_id"
        return {row["attempt_id"]: _as(verdict_of, row) for row in self._journal.rows("verdicts", where, arguments)}

    def evidence(self, attempt_id: int) -> dict[str, Detection]:
        """Return fault name -> newest evidence of an attempt."""
        rows = self._journal.rows("evidence", "WHERE attempt_id = ? ORDER BY id", (attempt_id,))
        return {row["fault"]: _as(evidence_of, row) for row in rows}

    def all_evidence(self, variant: str | None = None, arm: str | None = None) -> dict[int, dict[str, Detection]]:
        """Return attempt id -> fault name -> newest evidence."""
        of_variant, arguments = self._of_variant(variant, arm)
        where = f"WHERE {_NEWEST_EVIDENCE}{of_variant} ORDER BY attempt_id, id"
        by_attempt: dict[int, dict[str, Detection]] = {}
        for row in self._journal.rows("evidence", where, arguments):
            by_attempt.setdefault(row["attempt_id"], {})[row["fault"]] = _as(evidence_of, row)
        return by_attempt

    def claims(self) -> list[Claim]:
        """Return the newest claim of each name and variant, in order of recording."""
        return [_as(claim_of, row) for row in self._journal.rows("claims", f"WHERE {_NEWEST_CLAIM} ORDER BY id")]

    def events(self, kind: str | None = None) -> list[EventRow]:
        where, arguments = _where(kind=kind)
        rows = self._journal.rows("events", f"{where} ORDER BY id", arguments)
        return [EventRow(row["id"], row["kind"], row["data"], row["utc"]) for row in rows]

    def read_audio(self, attempt: Attempt) -> tuple[Samples, int]:
        """Return samples and rate (Hz) of an attempt. Raises StoreError naming file and hash when they do not fit."""
        if attempt.audio is None or attempt.audio_sha256 is None:
            raise StoreError(f"{self.path}: attempt {attempt.id} ({attempt.chunk_id!r}) has no audio")
        pruned = self.events("audio pruned")
        if pruned and not (self.path / attempt.audio).exists():
            raise StoreError(f"{self.path / attempt.audio}: the audio of this run was pruned on {pruned[-1].utc}")
        return self._sounds.read(attempt.audio, attempt.audio_sha256, attempt.sample_rate)

    def disk_bytes(self) -> int:
        """Return bytes of all files of the run."""
        return directory_bytes(self.path)

    def _of_variant(self, variant: str | None, arm: str | None) -> tuple[str, list[str | int | float | bytes | None]]:
        where, arguments = _where(variant=variant, arm=arm)
        return (f" AND attempt_id IN (SELECT id FROM attempts {where})" if where else ""), arguments


def _as(convert: Callable[[Row], R], row: Row) -> R:
    """Return a row in the words of the project. Raises StoreError where its checksum fits and its content does not."""
    try:
        return convert(row)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, zlib.error) as error:
        raise StoreError(f"journal.sqlite: row {row['id']} is damaged ({error})"[:300]) from None


def _where(**conditions: str | int | None) -> tuple[str, list[str | int | float | bytes | None]]:
    given = {name: value for name, value in conditions.items() if value is not None}
    text = " AND ".join(f"{name} = ?" for name in given)
    cells = [to_cell("int" if isinstance(value, int) else "text", value) for value in given.values()]
    return (f"WHERE {text}" if text else ""), cells


def directory_bytes(path: Path) -> int:
    """Return bytes of all files below ``path``; files that vanish meanwhile count as nothing."""
    total = 0
    for file in path.rglob("*"):
        try:
            total += file.lstat().st_size if not file.is_dir() else 0
        except OSError:
            continue
    return total
