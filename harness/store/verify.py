"""Is every acknowledged attempt there exactly once, with its sound? And what lies about that belongs to nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.errors import StoreError
from harness.store.journal import Journal, Row
from harness.store.ledger import Ledger
from harness.store.schema import TABLES
from harness.store.sounds import Sounds


def problems(path: Path, journal: Journal, *, busy: bool) -> list[str]:
    """One line a problem; an empty list means that the run is whole. Changes nothing.

    ``busy``: another process is writing, and may be between a sound and its row.
    """
    found: list[str] = []
    try:
        found += [f"journal.sqlite: {line}" for (line,) in journal.query("PRAGMA integrity_check(20)") if line != "ok"]
        attempts, damaged = journal.sift("attempts", "ORDER BY id")
        found += _rows(journal)
        found += _acknowledged(path, attempts, damaged)
        found += _manifest(path, journal)
        found += _audio(path, journal, attempts, complete=not damaged and not busy)
    except StoreError as error:
        found.append(str(error))
    return found


def _rows(journal: Journal) -> list[str]:
    found = []
    for name in TABLES:
        good, bad = journal.sift(name, "ORDER BY id")
        ids = [row["id"] for row in good] + bad
        found += [f"journal.sqlite: row {number} of {name} is damaged (its checksum does not fit)" for number in bad]
        gaps = sorted(set(range(1, max(ids, default=0) + 1)) - set(ids))
        found += [f"journal.sqlite: row {number} of {name} is missing" for number in gaps]
    return found


def _acknowledged(path: Path, attempts: list[Row], damaged: list[int]) -> list[str]:
    known, torn = Ledger(path).read()
    present = {row["id"] for row in attempts} | set(damaged)
    lost = sorted(set(known) - present)
    found = [f"acknowledged.log: line {number} is damaged" for number in torn]
    if lost:
        found.append(
            f"journal.sqlite: {len(lost)} acknowledged attempts are missing (ids {lost[0]} to {lost[-1]}); "
            f"the journal was damaged or replaced"
        )
    return found


def _manifest(path: Path, journal: Journal) -> list[str]:
    states, _ = journal.sift("states", "ORDER BY id LIMIT 1")
    expected = (states[0]["detail"] or {}).get("manifest_sha256") if states else None
    try:
        found = hashlib.sha256((path / "manifest.json").read_bytes()).hexdigest()
    except OSError as error:
        return [f"manifest.json: {error.strerror}"]
    return ["manifest.json: changed since the run began"] if expected is not None and found != expected else []


def _audio(path: Path, journal: Journal, attempts: list[Row], complete: bool) -> list[str]:
    sounds = Sounds(path)
    pruned = bool(journal.rows("events", "WHERE kind = 'audio pruned'"))
    found = []
    expected = {row["audio"]: row for row in attempts if row["audio"] is not None}
    for relative, row in expected.items():
        if pruned and not (path / relative).exists():
            continue
        flaw = sounds.problem(relative, row["audio_sha256"], row["sample_rate"])
        if flaw:
            found.append(f"attempt {row['id']} ({row['chunk_id']!r}): {flaw}")
    if complete:
        found += [f"{orphan.relative_to(path)}: belongs to no attempt" for orphan in orphans(path, set(expected))]
    return found


def orphans(path: Path, expected: set[str]) -> list[Path]:
    """Files in ``audio`` that no row names: cut off between sound and row, or a temporary file."""
    folder = path / "audio"
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file() and f"audio/{file.name}" not in expected)


def quarantine(path: Path, journal: Journal) -> list[str]:
    """Move orphans to ``audio/orphans`` and return their names; nothing is deleted. Raises OSError, StoreError."""
    expected = {str(audio) for (audio,) in journal.query("SELECT audio FROM attempts WHERE audio IS NOT NULL")}
    found = orphans(path, expected)
    if found:
        (path / "audio" / "orphans").mkdir(exist_ok=True)
        for file in found:
            file.replace(path / "audio" / "orphans" / file.name)
    return [file.name for file in found]


def lost_attempts(path: Path, journal: Journal) -> list[int]:
    """Ids that were acknowledged and are beyond the end of the journal."""
    last = int(journal.query("SELECT coalesce(max(id), 0) FROM attempts")[0][0])
    return sorted(number for number in Ledger(path).read()[0] if number > last)
