"""One run: a directory with a manifest, a journal and audio. Written by one process, read by any."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from harness.core.errors import CannotStore, StoreError
from harness.core.records import Attempt, Claim, Detection, Json, Measurement, Samples, Verdict
from harness.store.convert import attempt_key, attempt_row, claim_row, evidence_tail, observation_row, verdict_row
from harness.store.journal import Journal
from harness.store.layout import JOURNAL, create_run_directory, point_latest, read_manifest
from harness.store.ledger import Ledger
from harness.store.lock import Lock, held
from harness.store.manifest import Manifest
from harness.store.reader import Reader
from harness.store.redact import redact, redact_json, shortened
from harness.store.schema import SCHEMA_VERSION
from harness.store.verify import lost_attempts, manifest_changed, quarantine, run_problems, unlisted_attempts

DETAIL_LIMIT = 500  # characters of an attempt's one line
TAIL_LIMIT = 4096  # characters kept of what was printed last
_SAME = "SELECT 1 FROM attempts WHERE session = ? AND arm = ? AND chunk_id = ? AND take = ?"


def utc_now() -> str:
    """Return the time for people to read; nothing is ordered by it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _end_of(text: str) -> str:
    """Return the last lines of a log that is redacted already; a line that is cut begins after a blank."""
    if len(text) <= TAIL_LIMIT:
        return text
    end = text[-TAIL_LIMIT:]
    return end.partition("\n")[2] or end.partition(" ")[2] or end


class Run(Reader):
    """The append-only record of one run. Every method that writes returns only when the record is durable."""

    def __init__(self, path: Path, manifest: Manifest, journal: Journal, lock: Lock | None) -> None:
        super().__init__(path, manifest, journal)
        self._lock = lock
        self._ledger = Ledger(path)
        self._running = False  # not known to be; a damaged record of the state must not keep the rest from being read

    # ------------------------------------------------------------------ opening
    @classmethod
    def create(cls, root: Path, manifest: Json, run_id: str | None = None) -> Run:
        """Make ``root/run_id`` and point ``root/latest`` at it. Raises StoreError when it is there already.

        ``run_id`` defaults to the UTC time and a short random part. The manifest is written once, secrets redacted.
        """
        root = root.absolute()  # the working directory may change while the run goes on
        name = run_id or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        if name in {"", ".", "..", "latest"} or name.startswith(".") or "/" in name or "\\" in name or "\0" in name:
            raise StoreError(f"{name!r} cannot be the name of a run: it must be the name of a plain directory")
        path = root / name
        if path.exists():
            raise StoreError(f"{path}: there is a run of this name already")
        full = {**redact_json(manifest), "run_id": name, "schema_version": SCHEMA_VERSION, "created_utc": utc_now()}
        try:
            text = json.dumps(full, indent=2, ensure_ascii=True, allow_nan=False, default=str)
            lock = create_run_directory(path, text)
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: cannot be created ({getattr(error, 'strerror', None) or error})") from error
        run = cls._of(path, json.loads(text), lock)
        try:
            run._state("running", {"manifest_sha256": hashlib.sha256(text.encode()).hexdigest()})
            point_latest(root, name)
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Run:
        """Open an existing run. Raises StoreError: no run, damaged, newer than this tool, or held by another writer.

        Reading is safe while another process writes and changes neither manifest, journal nor audio.
        """
        path = path.resolve()
        manifest = read_manifest(path)
        run = cls._of(path, manifest, Lock.take(path) if write else None)
        try:
            if write:
                run._tidy()
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def _of(cls, path: Path, manifest: Manifest, lock: Lock | None) -> Run:
        try:
            return cls(path, manifest, Journal.open(path / JOURNAL, lock is not None), lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def close(self) -> None:
        """Let go of journal and lock; the status stays as it is."""
        self._journal.close()
        self._ledger.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ recording
    def begin_session(self, variant: str, arm: str, chunk_ids: Sequence[str], details: Json | None = None) -> int:
        """Begin a series of requests to one backend; return its number."""
        self._ensure_running()
        row = {"variant": variant, "arm": arm, "chunk_ids": list(chunk_ids), "details": redact_json(details or {})}
        return self._append("sessions", {**row, "started_utc": utc_now()})

    def begin_epoch(self, session: int, reason: str, capabilities: Mapping[str, object]) -> int:
        """Begin a stretch without restart; return its number in the session, from 0."""
        self._ensure_running()
        with self._written(f"session {session}"):
            count = self._journal.query("SELECT count(*) FROM epochs WHERE session = ?", (session,))
            epoch = int(count[0][0])
            row = {"session": session, "epoch": epoch, "reason": reason, "capabilities": redact_json(capabilities)}
            self._journal.append("epochs", {**row, "started_utc": utc_now()})
        return epoch

    def record_attempt(self, attempt: Attempt, samples: Samples | None) -> Attempt:
        """Write audio, then the row; when this returns, both survive a power cut.

        Returns the attempt as stored: with id, audio and audio_sha256, secrets redacted. Raises StoreError when
        (session, arm, chunk_id, take) is recorded already, and when the medium fails.
        """
        if self._journal.inside:
            raise ValueError("an attempt is acknowledged by itself, not in a block of records")
        self._ensure_running()
        identity = f"session {attempt.session}, arm {attempt.arm}, chunk {attempt.chunk_id!r}, take {attempt.take}"
        self._journal.check_writable()
        if self._journal.query(_SAME, attempt_key(attempt)):  # before the audio, which would be left without a row
            raise StoreError(f"{self.path}: {identity} is recorded already")
        audio, sha256 = None, None
        if samples is not None:
            try:
                audio, sha256 = self._sounds.write(samples, attempt.sample_rate)
            except OSError as error:
                raise self._journal.broken(error) from error
        stored = replace(
            attempt, audio=audio, audio_sha256=sha256, detail=shortened(redact(attempt.detail), DETAIL_LIMIT),
            notes=redact_json(attempt.notes), stderr_tail=_end_of(redact(attempt.stderr_tail)),
        )  # fmt: skip
        with self._written(identity):
            try:
                row = attempt_row(stored)
            except (TypeError, ValueError, OverflowError) as error:
                raise CannotStore(f"{self.path}: {identity}: {error}") from error
            number, seal = self._journal.append("attempts", row)
        try:
            self._ledger.append(number, seal)
        except OSError as error:
            raise self._journal.broken(error) from error
        return replace(stored, id=number)

    def record_observations(self, attempt_id: int, observations: Sequence[Measurement]) -> None:
        """Record measurements in one transaction. A second one of a scorer supersedes the first, which is kept."""
        with self._written(f"attempt {attempt_id}"):
            for measurement in observations:
                self._journal.append("observations", observation_row(attempt_id, measurement))

    def record_evidence(self, attempt_id: int, evidence: Sequence[Detection]) -> None:
        """Record what every fault class saw, faulty or not. A later value supersedes an earlier one, which is kept."""
        try:
            tails = [evidence_tail(detection) for detection in evidence]
        except CannotStore as error:
            raise CannotStore(f"{self.path}: {error}") from error
        with self._written(f"attempt {attempt_id}"):
            self._journal.append_all("evidence", attempt_id, tails)

    def record_verdict(self, attempt_id: int, verdict: Verdict, limits_key: str) -> None:
        """Record a verdict. A later one supersedes it, and both are kept. ``limits_key`` names the limits it rests
        on.
        """
        with self._written(f"attempt {attempt_id}"):
            self._journal.append("verdicts", verdict_row(attempt_id, verdict, limits_key))

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Yield one commit, so one wait for the medium, for the records made in the block; all of them or none.

        Not for attempts: each of these is acknowledged by itself. Other threads wait meanwhile.
        """
        with self._written("block"):
            yield

    def record_claims(self, claims: Sequence[Claim]) -> None:
        """Record a claim. A later one of the same name and variant supersedes it, and both are kept."""
        with self._written("claims"):
            for claim in claims:
                self._journal.append("claims", claim_row(claim))

    def record_event(self, kind: str, data: Json) -> None:
        """Record something worth knowing: interrupted, prune, a disk that fills up."""
        self._append("events", {"kind": kind, "data": redact_json(data), "utc": utc_now()})

    def finish(self, status: str, detail: Json | None = None) -> None:
        """Mark the run as ended: "finished", "interrupted" or another word. More may still be recorded."""
        if not status or status == "running":
            raise ValueError(f"a run cannot end as {status!r}")
        self._ledger.sync()
        self._state(status, detail)

    @property
    def manifest_changed(self) -> bool:
        """Return whether the manifest is not the one that the run began with."""
        return manifest_changed(self.path, self._journal)

    def verify(self) -> list[str]:
        """Return one line a problem: lost or damaged attempts, sounds that do not fit, files that belong to nothing."""
        return run_problems(self.path, self._journal, busy=self._lock is None and held(self.path))

    # ------------------------------------------------------------------ helpers
    def _tidy(self) -> None:
        """Move aside what a cut-off writer left behind, and write down what the medium lost."""
        lost = lost_attempts(self.path, self._journal)
        try:
            moved = quarantine(self.path, self._journal)
        except OSError as error:
            raise StoreError(f"{self.path / 'audio'}: cannot be tidied ({error.strerror})") from error
        unlisted = [
            (number, seal) for number, seal in unlisted_attempts(self.path, self._journal) if number not in lost
        ]
        try:
            for number, seal in unlisted:
                self._ledger.append(number, seal)
        except OSError as error:
            raise StoreError(f"{self._ledger.path}: cannot be written ({error.strerror})") from error
        if len(unlisted) > 1:  # one is the attempt at which the writer was cut off
            self.record_event("acknowledged list mended", {"attempts": len(unlisted)})
        if lost:
            self.record_event("attempts lost", {"ids": lost, "why": "acknowledged, but not in the journal any more"})
        if moved:
            self.record_event("orphans", {"files": moved, "to": "audio/orphans"})

    def _state(self, status: str, detail: Json | None = None) -> None:
        row = {"status": status, "detail": redact_json(detail or {}), "utc": utc_now(), "pid": os.getpid()}
        self._append("states", row)
        self._running = status == "running"

    def _ensure_running(self) -> None:
        if not self._running and self.status != "running":
            self._state("running")
        self._running = True

    def _append(self, table: str, row: dict[str, object]) -> int:
        with self._written(table):
            return self._journal.append(table, row)[0]

    @contextlib.contextmanager
    def _written(self, what: str) -> Iterator[None]:
        try:
            with self._journal.transaction():
                yield
        except sqlite3.IntegrityError as error:
            kind = getattr(error, "sqlite_errorname", "")
            cause = {
                "SQLITE_CONSTRAINT_UNIQUE": "is recorded already",
                "SQLITE_CONSTRAINT_FOREIGNKEY": "belongs to something that was never recorded",
            }.get(kind, f"cannot be recorded ({error})")
            raise StoreError(f"{self.path}: {what} {cause}") from error
