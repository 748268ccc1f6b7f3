"""Journals of older versions brought to the current one, a step a version; rows are checked before they are resealed.

A step rewrites whole tables through ``rewrite``, which carries a damaged row over as damaged: an upgrade must not give
a good checksum to a bad row. Opening for writing upgrades the file in one transaction; opening for reading upgrades a
copy in memory and leaves the file as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from harness.core.errors import StoreError
from harness.store.cells import from_cell, to_cell
from harness.store.schema import INDEXES, SCHEMA_VERSION, TABLES, VIEWS, Table, attempts_table, define_table

Step = Callable[[sqlite3.Connection], None]
DAMAGED = "damaged before the upgrade"


def rewrite(connection: sqlite3.Connection, old: Table, new: Table) -> None:
    """Give ``old`` the columns of ``new``: columns of the same name keep their values, others are NULL."""
    rows = connection.execute(f"SELECT id, {', '.join(old.names)}, checksum FROM {old.name} ORDER BY id").fetchall()
    connection.execute(f"DROP TABLE {old.name}")
    connection.execute(new.ddl)
    kinds = dict(old.columns)
    marks = ",".join("?" * (len(new.columns) + 2))
    for row in rows:
        before = dict(zip(old.names, row[1:-1], strict=True))
        cells = [row[0]]
        for name, kind in new.columns:
            value = from_cell(kinds[name], before[name]) if name in before else None
            cells.append(to_cell(kind, value))
        seal = new.row_checksum(cells) if old.row_checksum(row[:-1]) == row[-1] else DAMAGED
        connection.execute(f"INSERT INTO {new.name} VALUES ({marks})", (*cells, seal))


def _from_1(connection: sqlite3.Connection) -> None:
    """2: ``states.detail`` holds what belongs to a change of state (the hash of the manifest, why a run ended)."""
    rewrite(connection, define_table("states", "status:text utc:text pid:int", "status utc"), TABLES["states"])


def _from_2(connection: sqlite3.Connection) -> None:
    """3: a verdict keeps every limit that it used, and says whether it is final or was given while the run went on."""
    old = define_table(
        "verdicts",
        "attempt_id:int word:text findings:json reason:text unjudged:json limits_key:text",
        "attempt_id word findings limits_key",
        TABLES["verdicts"].constraints,
    )
    rewrite(connection, old, TABLES["verdicts"])


# A version that only gave an attempt new fields needs no step: the fields say themselves what was added.
STEPS: dict[int, Step] = {1: _from_1, 2: _from_2}


def check_version(path: Path, version: int) -> None:
    """Check the version. Raises StoreError for a journal of a newer version and for a file that is no journal."""
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: written by a newer tts-soak (schema {version}, this one knows up to {SCHEMA_VERSION}); "
            f"upgrade tts-soak to read it"
        )
    if version < 1:
        raise StoreError(f"{path}: no journal of tts-soak (schema version {version})")


def upgrade(connection: sqlite3.Connection, steps: dict[int, Step] | None = None) -> None:
    """Bring a journal to the current version in one transaction: all steps or none. Raises sqlite3.Error."""
    steps = STEPS if steps is None else steps
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        derived = "SELECT type, name FROM sqlite_master WHERE type = 'view' OR (type = 'index' AND sql IS NOT NULL)"
        for kind, name in connection.execute(derived).fetchall():
            connection.execute(f"DROP {kind} {name}")
        for step in range(version, SCHEMA_VERSION):
            if step in steps:
                steps[step](connection)
            before, after = attempts_table(step), attempts_table(step + 1)
            if before != after:
                rewrite(connection, before, after)
        for statement in (*INDEXES, *VIEWS):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def upgraded_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return an upgraded copy in memory, for a reader that must not change the file."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.backup(copy)
    upgrade(copy)
    return copy
