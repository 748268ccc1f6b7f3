"""The tables of ``journal.sqlite``: one place for names, kinds and constraints. See docs/store.md."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 3

# SQLite has no notion of a JSON or seed column; ``kind`` says how harness.store.cells treats the value.
DECLARED = {"int": "INTEGER", "real": "REAL", "text": "TEXT", "json": "TEXT", "blob": "BLOB", "seed": ""}


@dataclass(frozen=True, slots=True)
class Table:
    """Name, (column, kind) pairs in order, columns that must be given, and constraints of one table."""

    name: str
    columns: tuple[tuple[str, str], ...]
    required: frozenset[str]
    constraints: tuple[str, ...] = ()

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


def define_table(name: str, columns: str, required: str = "", constraints: tuple[str, ...] = ()) -> Table:
    """Return a table from ``name:kind`` words."""
    pairs = tuple((word.split(":")[0], word.split(":")[1]) for word in columns.split())
    return Table(name, pairs, frozenset(required.split()), constraints)


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
    define_table(
        "attempts",
        "session:int epoch:int sequence:int arm:text chunk_id:text take:int variant:text seed:seed outcome:text "
        "detail:text audio:text audio_sha256:text sample_rate:int duration:real tokens:blob token_frames:int "
        "token_codebooks:int token_count:int finish_reason:text wall_seconds:real cpu_seconds:real ttfa:real "
        "rss_bytes:int peak_rss_bytes:int stderr_tail:text notes:json",
        "session epoch sequence arm chunk_id take variant outcome",
        ("UNIQUE (session, arm, chunk_id, take)", "FOREIGN KEY (session, epoch) REFERENCES epochs (session, epoch)"),
    ),
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
