"""The SQLite file of a run: one writer or any readers, checked rows, no writing on after a failure."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import CannotStore, StoreError
from harness.store.cells import Cell, from_cell, row_checksum
from harness.store.rows import Row, RowTail, row_cells
from harness.store.schema import SCHEMA_VERSION, TABLES, statements
from harness.store.upgrades import check_version, upgrade, upgraded_copy

# FULL: a commit is on the medium before it is acknowledged (NORMAL loses the last commits in a power cut).
# 256 pages (1 MiB) instead of 1000: what a damaged WAL can cost is what was not yet copied into the main file, and a
# chunk writes about 60 KiB, so a checkpoint comes every 15 to 20 chunks.
# The fullfsync pair reaches the medium on macOS and does nothing elsewhere.
_WRITER = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 256",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cell_size_check = ON",
)

# A damaged file can make SQLite give text, even in its messages, that is not UTF-8.
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)


_INSERTS = {
    name: f"INSERT INTO {name} VALUES ({','.join('?' * (len(shape.columns) + 2))})" for name, shape in TABLES.items()
}


class Journal:
    """One connection. Threads may share it; processes may not."""

    def __init__(self, path: Path, connection: sqlite3.Connection, write: bool) -> None:
        self.path = path
        self.write = write
        self._connection = connection
        self._guard = threading.RLock()
        self._process = os.getpid()
        self._broken: str = ""
        self._next: dict[str, int] = {}  # id of each table's next row, within one transaction

    # ------------------------------------------------------------------ opening
    @classmethod
    def create(cls, path: Path) -> None:
        """Make an empty journal of the current version. Raises StoreError."""
        try:
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in statements():
                    connection.execute(statement)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be created ({one_line(error)})") from error

    @classmethod
    def open(cls, path: Path, write: bool) -> Journal:
        """Open the journal. Raises StoreError for a damaged file (nothing is changed then) and for one of a newer
        version of the tool.

        The structure of the file is checked first (about 0.02 ms a chunk): in a damaged tree or index rows can be out
        of reach, and no checksum of a row would show it.
        """
        if not path.is_file():
            raise StoreError(f"{path}: not there; the run was never completely created")
        address = f"{path.absolute().as_uri()}?mode={'rw' if write else 'ro'}"
        with contextlib.ExitStack() as undo:
            try:
                connection = sqlite3.connect(
                    address, uri=True, isolation_level=None, timeout=10.0, check_same_thread=False
                )
                undo.callback(connection.close)
                version = int(connection.execute("PRAGMA user_version").fetchone()[0])
                check_version(path, version)
                _check_triggers(path, connection)
                _check_structure(path, connection)
                if version < SCHEMA_VERSION and not write:
                    with contextlib.closing(connection) as old:
                        connection = upgraded_copy(old)
                elif version < SCHEMA_VERSION:
                    upgrade(connection)
                _check_tables(path, connection)
                for pragma in _WRITER if write else ("PRAGMA query_only = ON",):
                    connection.execute(pragma)
            except _UNREADABLE as error:
                raise StoreError(f"{path}: cannot be opened ({one_line(error)})") from error
            undo.pop_all()
        return cls(path, connection, write)

    def close(self) -> None:
        """Close; the writer first puts everything into the one file, so that a closed run is no pair of files."""
        with self._guard:
            if self.write and not self._broken and os.getpid() == self._process:
                with contextlib.suppress(sqlite3.Error):  # a reader is still there: the WAL stays, nothing is lost
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    self._connection.execute("PRAGMA busy_timeout = 0")
                    self._connection.execute("PRAGMA journal_mode = DELETE")
            self._connection.close()

    # ------------------------------------------------------------------ writing
    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Yield all of it or nothing, durable at the end. After a failed write every later one is refused.

        A refused write (uniqueness) leaves the journal usable; a failed one does not: after an fsync that failed,
        the next one may report success for pages that never arrived. Inside another transaction it becomes part of it.
        """
        with self._guard:
            self.check_writable()
            if self._connection.in_transaction:
                yield
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._next.clear()
                yield
                self._connection.execute("COMMIT")
            except sqlite3.IntegrityError:
                self._rollback()
                raise
            except sqlite3.Error as error:
                raise self.broken(error) from error
            except BaseException:
                self._rollback()
                raise

    @property
    def inside(self) -> bool:
        """Return whether a transaction is open."""
        return self._connection.in_transaction

    def check_writable(self) -> None:
        """Check the writer. Raises StoreError when this process may not (or no longer) write."""
        if not self.write:
            raise StoreError(f"{self.path.parent}: opened for reading only")
        if os.getpid() != self._process:
            raise StoreError(f"{self.path.parent}: only the process that opened the run may write it")
        if self._broken:
            raise StoreError(f"{self.path.parent}: closed for writing after an earlier failure: {self._broken}")

    def broken(self, error: Exception) -> StoreError:
        """Note a failed write and give the error to raise."""
        self._rollback()
        text = getattr(error, "strerror", None) or one_line(error)
        self._broken = text
        return StoreError(
            f"{self.path.parent}: cannot be written ({text}); what was acknowledged is kept, this record is not"
        )

    def _rollback(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def append(self, table: str, values: Row) -> tuple[int, str]:
        """Add one row inside a transaction; return its id and checksum. Ids count from 1 without gaps."""
        number = self._next.get(table) or self._first_free(table)
        try:
            cells = [number, *row_cells(table, values)]
        except CannotStore as error:
            raise CannotStore(f"{self.path.parent}: {error}") from error
        seal = TABLES[table].row_checksum(cells)
        self._connection.execute(_INSERTS[table], (*cells, seal))
        self._next[table] = number + 1
        return number, seal

    def append_all(self, table: str, owner: int, tails: Sequence[RowTail]) -> None:
        """Add rows of one owner, the table's first column, inside a transaction and in one statement."""
        first = self._next.get(table) or self._first_free(table)
        sealed = [
            (number, owner, *tail.cells, row_checksum(table, (number, owner), tail.sealed))
            for number, tail in enumerate(tails, first)
        ]
        self._connection.executemany(_INSERTS[table], sealed)
        self._next[table] = first + len(sealed)

    def _first_free(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()[0])

    # ------------------------------------------------------------------ reading
    def rows(self, table: str, where: str = "", arguments: Sequence[Cell] = ()) -> list[Row]:
        """Return rows as dicts, each checked.

        ``where`` is the tail of the SELECT. Raises StoreError naming a damaged row.
        """
        good, bad = self.sift(table, where, arguments)
        if bad:
            raise StoreError(f"{self.path}: row {bad[0]} of {table} is damaged (its checksum does not fit)")
        return good

    def sift(self, table: str, where: str = "", arguments: Sequence[Cell] = ()) -> tuple[list[Row], list[int]]:
        """Return rows that are as they were written, and the ids of those that are not."""
        good: list[Row] = []
        bad: list[int] = []
        for cells in self.query(_select(table, where), arguments):
            row = _whole_row(table, cells)
            if row is None:
                bad.append(int(cells[0]))
            else:
                good.append(row)
        return good, bad

    def sift_ids(self, table: str) -> tuple[list[int], list[int]]:
        """Return ids of all rows that are as they were written, and of those that are not.

        A row at a time is in memory.
        """
        good: list[int] = []
        bad: list[int] = []
        try:
            with self._guard:
                for cells in self._connection.execute(_select(table, "ORDER BY id")):
                    (bad if _whole_row(table, cells) is None else good).append(int(cells[0]))
        except _UNREADABLE as error:
            raise StoreError(f"{self.path}: cannot be read ({one_line(error)})") from error
        return good, bad

    def query(self, sql: str, arguments: Sequence[Cell] = ()) -> list[tuple[Any, ...]]:
        """Return rows of any SELECT, unchecked. Raises StoreError."""
        try:
            with self._guard:
                return self._connection.execute(sql, tuple(arguments)).fetchall()
        except _UNREADABLE as error:
            raise StoreError(f"{self.path}: cannot be read ({one_line(error)})") from error

    @property
    def stored(self) -> bool:
        """Return whether this is the file itself, not a copy in memory that was upgraded for reading."""
        return bool(self.query("PRAGMA database_list")[0][2])

    @property
    def version(self) -> int:
        """Return the schema version in the file."""
        return int(self.query("PRAGMA user_version")[0][0])


def _select(table: str, where: str) -> str:
    return f"SELECT id, {', '.join(name for name, _ in TABLES[table].columns)}, checksum FROM {table} {where}"


def _whole_row(table: str, cells: Sequence[Cell]) -> Row | None:
    """Return a row as it was written, or None where its checksum does not fit or its cells cannot be read."""
    if TABLES[table].row_checksum(cells[:-1]) != cells[-1]:
        return None
    row: Row = {"id": cells[0], "checksum": cells[-1]}
    try:
        for (name, kind), cell in zip(TABLES[table].columns, cells[1:-1], strict=True):
            row[name] = from_cell(kind, cell)
    except (TypeError, ValueError, OverflowError, RecursionError):  # sealed by somebody else
        return None
    return row


def one_line(error: object) -> str:
    """Cut a message of SQLite, which quotes whole CREATE statements."""
    return " ".join(str(error).split())[:200]


def _check_structure(path: Path, connection: sqlite3.Connection) -> None:
    flaw = one_line(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if flaw != "ok":
        raise StoreError(
            f"{path}: damaged ({flaw}); nothing was changed. `sqlite3 {path.name} .recover` reads what is left of it"
        )


def _check_triggers(path: Path, connection: sqlite3.Connection) -> None:
    # Before anything is written: a trigger would do with it as it likes.
    connection.execute("PRAGMA trusted_schema = OFF")
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    if names:
        raise StoreError(f"{path}: damaged (it holds a trigger, {one_line(names[0])!r}, that tts-soak never made)")


def _check_tables(path: Path, connection: sqlite3.Connection) -> None:
    # SQLite takes any definition that it can parse, also one with a flipped letter.
    existing = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master")}
    for statement in statements():
        if statement.startswith("CREATE") and statement not in existing:
            name = statement.split()[2]
            raise StoreError(f"{path}: damaged (the definition of {name} is not as it was written)")
