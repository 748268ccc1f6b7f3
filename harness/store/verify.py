"""Is every acknowledged attempt there exactly once, with its sound? And what lies about that belongs to nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.core.documents import read_json
from harness.core.errors import StoreError
from harness.store.journal import Journal
from harness.store.ledger import Ledger
from harness.store.rows import Row
from harness.store.schema import TABLES
from harness.store.sounds import Sounds

_FIRST_WITH_LIST = 2  # schema version


def run_problems(path: Path, journal: Journal, *, busy: bool) -> list[str]:
    """Return one line a problem; an empty list means that the run is whole. Changes nothing.

    ``busy``: another process is writing, and may be between a sound and its row.
    """
    problems: list[str] = []
    try:
        problems += [
            f"journal.sqlite: {line}" for (line,) in journal.query("PRAGMA integrity_check(20)") if line != "ok"
        ]
        listed = Ledger(path).read()  # before the rows: a writer that goes on adds to both, a row first
        attempts, damaged = journal.sift("attempts", "ORDER BY id")
        problems += _rows(journal)
        problems += [] if busy else _size(path, journal)
        states, _ = journal.sift("states", "ORDER BY id DESC LIMIT 1")
        problems += _acknowledged(
            listed, attempts, damaged, ended=_listed(path) and bool(states) and states[0]["status"] != "running"
        )
        problems += _lost_before(journal)
        problems += _manifest(path, journal)
        problems += _audio(path, journal, attempts, complete=not damaged and not busy)
    except StoreError as error:
        problems.append(str(error))
    return problems


def _rows(journal: Journal) -> list[str]:
    problems = []
    for name in TABLES:
        good, bad = journal.sift_ids(name)
        ids = good + bad
        problems += [f"journal.sqlite: row {number} of {name} is damaged (its checksum does not fit)" for number in bad]
        gaps = sorted(set(range(1, max(ids, default=0) + 1)) - set(ids))
        problems += [f"journal.sqlite: row {number} of {name} is missing" for number in gaps]
    return problems


def _acknowledged(
    listed: tuple[list[tuple[int, str]], list[int]], attempts: list[Row], damaged: list[int], *, ended: bool
) -> list[str]:
    acknowledged, torn = listed
    seals = {row["id"]: row["checksum"] for row in attempts}
    lost = sorted({number for number, _ in acknowledged} - set(seals) - set(damaged))
    other = sorted({number for number, seal in acknowledged if number in seals and seal != seals[number]})
    problems = [f"acknowledged.log: line {number} is damaged" for number in torn]
    unlisted = set(seals) - {number for number, _ in acknowledged}
    if unlisted and not torn and ended:
        problems.append(f"acknowledged.log: {len(unlisted)} attempts of the journal are not in it")
    if other:
        problems.append(
            f"acknowledged.log: {len(other)} attempts were acknowledged that are not those of the journal "
            f"(ids {other[0]} to {other[-1]}): lost and spoken again, or the list is damaged"
        )
    if lost:
        problems.append(
            f"journal.sqlite: {len(lost)} acknowledged attempts are missing (ids {lost[0]} to {lost[-1]}); "
            f"the journal was damaged or replaced"
        )
    return problems


def _listed(path: Path) -> bool:
    """Whether the run was begun by a version that keeps the list of acknowledged attempts."""
    try:
        version = read_json(path / "manifest.json", "manifest", StoreError).get("schema_version")
    except (StoreError, AttributeError):
        return True
    return not isinstance(version, int) or version >= _FIRST_WITH_LIST


def _size(path: Path, journal: Journal) -> list[str]:
    """Bytes behind the last page: SQLite does not look at them."""
    pages = int(journal.query("PRAGMA page_count")[0][0]) * int(journal.query("PRAGMA page_size")[0][0])
    try:
        extra = (path / "journal.sqlite").stat().st_size - pages
    except OSError as error:
        return [f"journal.sqlite: {error.strerror}"]
    return [f"journal.sqlite: {extra} bytes behind its end"] if extra > 0 and journal.stored else []


def unlisted_attempts(path: Path, journal: Journal) -> list[tuple[int, str]]:
    """Return id and checksum of attempts that have no line in the list of acknowledged ones."""
    listed = {number for number, _ in Ledger(path).read()[0]}
    return [(n, seal) for n, seal in journal.query("SELECT id, checksum FROM attempts ORDER BY id") if n not in listed]


def _lost_before(journal: Journal) -> list[str]:
    """Losses that a resume came upon: what was spoken again since then does not undo them."""
    lines = []
    for event in journal.rows("events", "WHERE kind = 'attempts lost' ORDER BY id"):
        ids = event["data"].get("ids") if isinstance(event["data"], dict) else None
        count = len(ids) if isinstance(ids, list) else 0
        lines.append(f"journal.sqlite: {count} acknowledged attempts were lost before {event['utc']}")
    return lines


def manifest_changed(path: Path, journal: Journal) -> bool:
    """Return whether the manifest is not the one that the run began with."""
    return bool(_manifest(path, journal))


def _manifest(path: Path, journal: Journal) -> list[str]:
    states, _ = journal.sift("states", "ORDER BY id LIMIT 1")
    expected = (states[0]["detail"] or {}).get("manifest_sha256") if states else None
    try:
        digest = hashlib.sha256((path / "manifest.json").read_bytes()).hexdigest()
    except OSError as error:
        return [f"manifest.json: {error.strerror}"]
    return ["manifest.json: changed since the run began"] if expected is not None and digest != expected else []


def _audio(path: Path, journal: Journal, attempts: list[Row], complete: bool) -> list[str]:
    sounds = Sounds(path)
    pruned = bool(journal.rows("events", "WHERE kind = 'audio pruned'"))
    problems = []
    expected = {row["audio"]: row for row in attempts if row["audio"] is not None}
    for relative, row in expected.items():
        if pruned and not (path / relative).exists():
            continue
        flaw = sounds.problem(relative, row["audio_sha256"], row["sample_rate"])
        if flaw:
            problems.append(f"attempt {row['id']} ({row['chunk_id']!r}): {flaw}")
    if complete:
        problems += [f"{orphan.relative_to(path)}: belongs to no attempt" for orphan in orphans(path, set(expected))]
    return problems


def orphans(path: Path, expected: set[str]) -> list[Path]:
    """Return files in ``audio`` that no row names: cut off between sound and row, or a temporary file."""
    folder = path / "audio"
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file() and f"audio/{file.name}" not in expected)


def quarantine(path: Path, journal: Journal) -> list[str]:
    """Move orphans to ``audio/orphans`` and return their names; nothing is deleted. Raises OSError, StoreError."""
    expected = {str(audio) for (audio,) in journal.query("SELECT audio FROM attempts WHERE audio IS NOT NULL")}
    paths = orphans(path, expected)
    if paths:
        (path / "audio" / "orphans").mkdir(exist_ok=True)
        for file in paths:
            file.replace(path / "audio" / "orphans" / file.name)
    return [file.name for file in paths]


def lost_attempts(path: Path, journal: Journal) -> list[int]:
    """Return ids that were acknowledged and are beyond the end of the journal."""
    last = int(journal.query("SELECT coalesce(max(id), 0) FROM attempts")[0][0])
    return sorted({number for number, _ in Ledger(path).read()[0] if number > last})
