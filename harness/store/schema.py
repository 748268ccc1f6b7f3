"""The tables of ``journal.sqlite``: one place for names, kinds and constraints. See docs/store.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from harness.core.records import Attempt, Outcome
from harness.store.cells import Cell, row_checksum

# SQLite has no notion of a JSON or seed column; ``kind`` says how harness.store.cells treats the value.
DECLARED = {"int": "INTEGER", "real": "REAL", "text": "TEXT", "json": "TEXT", "blob": "BLOB", "seed": ""}


@dataclass(frozen=True, slots=True)
class Table:
    """Name, (column, kind) pairs in order, columns that must be given, and constraints of one table."""

    name: str
    columns: tuple[tuple[str, str], ...]
    required: frozenset[str]
    constraints: tuple[str, ...] = ()
    grown: int = 0  # columns at the end that later versions added

    def row_checksum(self, cells: Sequence[Cell]) -> str:
        """Return the checksum of a row, id first. Of the columns that were added it takes those that hold something.

        So an attempt keeps the checksum that ``acknowledged.log`` has of it when its journal is upgraded.
        """
        end, least = len(cells), len(cells) - self.grown
        while end > least and cells[end - 1] is None:
            end -= 1
        return row_checksum(self.name, cells[:end])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)

    @property
    def ddl(self) -> str:
        """Return CREATE TABLE with ``id`` in front and ``checksum`` (over id and all columns) at the end."""
        lines = ["id INTEGER PRIMARY KEY"]
        for name, kind in self.columns:
            lines.append(f"{name} {DECLARED[kind]}{' NOT NULL' if name in self.required else ''}".replace("  ", " "))
        lines += ["checksum TEXT NOT NULL", *self.constraints]
        return f"CREATE TABLE {self.name} (\n  " + ",\n  ".join(lines) + "\n)"


def define_table(
    name: str, columns: str, required: str = "", constraints: tuple[str, ...] = (), grown: int = 0
) -> Table:
    """Return a table from ``name:kind`` words."""
    pairs = tuple((word.split(":")[0], word.split(":")[1]) for word in columns.split())
    return Table(name, pairs, frozenset(required.split()), constraints, grown)


# An attempt's columns follow from its fields: the kind from the type, but for these, which are packed or named here.
_KINDS = {int: "int", float: "real", str: "text", Outcome: "text"}
_PACKED = {
    "seed": "seed:seed",
    "tokens": "tokens:blob token_frames:int token_codebooks:int",
    "notes": "notes:json",
    "id": "",  # every table has it
}
_IDENTITY = "session epoch sequence arm chunk_id take variant"  # in front, in the order of the first journals
_OTHERS = 3  # the version that last changed another table


def _column(name: str, hint: Any) -> str:
    kinds = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    return _PACKED[name] if name in _PACKED else f"{name}:{_KINDS[kinds[0]]}"


def _since(one: Field[Any]) -> int:
    return int(one.metadata.get("schema", 1))


def attempts_table(version: int) -> Table:
    """Return the table of attempts in a version of the journal: with the fields that it already stored.

    A field added later names that version in its metadata, ``field(default=None, metadata={"schema": 4})``.
    """
    hints = get_type_hints(Attempt)
    names = [one.name for one in fields(Attempt) if _since(one) <= version]
    columns = [_column(name, hints[name]) for name in sorted(names, key=(_IDENTITY.split() + names).index)]
    return define_table(
        "attempts",
        " ".join(columns),
        f"{_IDENTITY} outcome",
        ("UNIQUE (session, arm, chunk_id, take)", "FOREIGN KEY (session, epoch) REFERENCES epochs (session, epoch)"),
        grown=sum(1 < _since(one) <= version for one in fields(Attempt)),
    )


SCHEMA_VERSION = max(_OTHERS, *(_since(one) for one in fields(Attempt)))

_OF_ATTEMPT = ("FOREIGN KEY (attempt_id) REFERENCES attempts (id)",)

_ALL = (
    define_table("states", "status:text detail:json utc:text pid:int", "status utc"),
    define_table(
        "sessions",
        "variant:text arm:text chunk_ids:json details:json started_utc:text",
        "variant arm chunk_ids started_utc",
    ),
    define_table(
        "epochs",
        "session:int epoch:int reason:text capabilities:json started_utc:text",
        "session epoch reason started_utc",
        ("UNIQUE (session, epoch)", "FOREIGN KEY (session) REFERENCES sessions (id)"),
    ),
    attempts_table(SCHEMA_VERSION),
    define_table(
        "observations",
        "attempt_id:int scorer:text version:text status:text payload:json reason:text",
        "attempt_id scorer version status payload",
        _OF_ATTEMPT,
    ),
    define_table(
        "evidence",
        "attempt_id:int fault:text value:real unit:text span_start:real span_end:real detail:text reason:text "
        "applies:int",
        "attempt_id fault applies",
        _OF_ATTEMPT,
    ),
    define_table(
        "verdicts",
        "attempt_id:int word:text findings:json reason:text unjudged:json limits_key:text limits:json final:int",
        "attempt_id word findings limits_key",
        _OF_ATTEMPT,
    ),
    define_table(
        "claims",
        "name:text variant:text statement:text passed:int value:real interval_low:real interval_high:real "
        "margin:real count:int details:json",
        "name variant statement",
    ),
    define_table("events", "kind:text data:json utc:text", "kind data utc"),
)

TABLES: dict[str, Table] = {one.name: one for one in _ALL}

INDEXES = (
    "CREATE INDEX observations_latest ON observations (attempt_id, scorer, id)",
    "CREATE INDEX evidence_latest ON evidence (attempt_id, fault, id)",
    "CREATE INDEX verdicts_latest ON verdicts (attempt_id, id)",
)

# Nothing is ever updated: what a later record superseded stays in the tables, and these show what is current.
VIEWS = (
    "CREATE VIEW latest_observations AS SELECT * FROM observations WHERE id IN "
    "(SELECT max(id) FROM observations GROUP BY attempt_id, scorer)",
    "CREATE VIEW latest_evidence AS SELECT * FROM evidence WHERE id IN "
    "(SELECT max(id) FROM evidence GROUP BY attempt_id, fault)",
    "CREATE VIEW latest_verdicts AS SELECT * FROM verdicts WHERE id IN "
    "(SELECT max(id) FROM verdicts GROUP BY attempt_id)",
    "CREATE VIEW latest_claims AS SELECT * FROM claims WHERE id IN (SELECT max(id) FROM claims GROUP BY name, variant)",
    "CREATE VIEW latest_findings AS SELECT v.attempt_id, a.variant, a.arm, a.chunk_id, a.take, "
    "json_extract(f.value, '$.fault') AS fault, json_extract(f.value, '$.value') AS value, "
    "json_extract(f.value, '$.limit') AS \"limit\", json_extract(f.value, '$.limit_source') AS limit_source, "
    "json_extract(f.value, '$.unit') AS unit, json_extract(f.value, '$.span[0]') AS span_start, "
    "json_extract(f.value, '$.span[1]') AS span_end, json_extract(f.value, '$.detail') AS detail, "
    "json_extract(f.value, '$.confirmed') AS confirmed, json_extract(f.value, '$.bound_to') AS bound_to "
    "FROM latest_verdicts v JOIN attempts a ON a.id = v.attempt_id, json_each(v.findings) f",
)


def statements() -> list[str]:
    """Return everything that makes an empty journal of the current version."""
    tables = [one.ddl for one in TABLES.values()]
    return [*tables, *INDEXES, *VIEWS, f"PRAGMA user_version = {SCHEMA_VERSION}"]
