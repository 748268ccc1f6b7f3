"""Runs of older versions are read and written on; of newer ones, refused; an upgrade blesses no damaged row."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import StoreError
from harness.core.records import VerdictWord
from harness.store import SCHEMA_VERSION, Run
from harness.store.schema import TABLES, attempts_table, define_table
from harness.store.sounds import encode_wav
from harness.store.upgrades import STEPS, rewrite, upgrade

DUMPS = Path(__file__).resolve().parent / "store_io"  # each written by the code that had its version
every_version = pytest.mark.parametrize("old", [1, 3], indirect=True)


@pytest.fixture
def old(tmp_path, request) -> Path:
    version = getattr(request, "param", 1)
    path = tmp_path / "old"
    (path / "audio").mkdir(parents=True)
    (path / "manifest.json").write_text(json.dumps({"corpus": "book", "run_id": "old", "schema_version": version}))
    with sqlite3.connect(path / "journal.sqlite") as connection:
        connection.executescript((DUMPS / f"schema{version}.sql").read_text())
        rows = connection.execute("SELECT audio, id, checksum FROM attempts ORDER BY id").fetchall()
    for n, (audio, _, _) in enumerate(rows):
        (path / audio).write_bytes(encode_wav((np.arange(5, dtype="<f4") + n).tobytes(), 8000))
    if version > 1:
        (path / "acknowledged.log").write_text("".join(f"{number} {seal}\n" for _, number, seal in rows))
    connection.close()
    return path


def check(run: Run) -> None:
    assert run.schema_version == SCHEMA_VERSION
    assert run.status == "finished"
    first, second = run.attempts()
    assert (first.chunk_id, first.seed, second.seed) == ("a", 2**64 - 1, 2**64 - 2)
    assert np.array_equal(second.tokens, [[0, 1], [2, 3]])
    assert np.array_equal(run.read_audio(second)[0], np.arange(5, dtype=np.float32) + 1)
    assert run.verdict(2).word is VerdictWord.FAULTY and run.verdict(2).findings[0].limit == 0.1
    assert run.evidence(1)["loop"].span == (0.0, 0.1)
    assert run.claims()[0].interval == (0.01, 0.99)
    assert run.events("disk")[0].data == {"free": 5}
    assert run.verify() == []


@every_version
def test_an_old_run_is_read_without_changing_it(old):
    before = (old / "journal.sqlite").read_bytes()
    with Run.open(old) as run:
        check(run)
    assert (old / "journal.sqlite").read_bytes() == before
    files = {"audio", "journal.sqlite", "manifest.json", "acknowledged.log"}
    assert {path.name for path in old.iterdir()} <= files, "nothing is left beside it"


@every_version
def test_an_old_run_is_upgraded_once_when_it_is_written(old):
    with Run.open(old, write=True) as run:
        check(run)
        run.finish("finished", {"why": "judged again"})
    with sqlite3.connect(old / "journal.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
        assert connection.execute("SELECT fault, value FROM latest_findings").fetchall() == [("loop", 0.25)]
    connection.close()
    with Run.open(old) as run:
        check(run)


def test_a_damaged_row_stays_damaged_through_the_upgrade(old):
    with sqlite3.connect(old / "journal.sqlite") as connection:
        connection.execute("UPDATE states SET status = 'interrupted' WHERE id = 2")
    connection.close()
    with Run.open(old, write=True) as run:
        assert run.verify() == ["journal.sqlite: row 2 of states is damaged (its checksum does not fit)"]
        with pytest.raises(StoreError, match="row 2 of states is damaged"):
            assert run.status
        assert len(run.attempts()) == 2  # the rest is as it was


def test_a_step_that_fails_leaves_the_file_as_it_was(old):
    connection = sqlite3.connect(old / "journal.sqlite", isolation_level=None)

    def fail(connection: sqlite3.Connection) -> None:
        STEPS[1](connection)
        raise sqlite3.OperationalError("disk I/O error")

    before = list(connection.iterdump())
    with pytest.raises(sqlite3.OperationalError):
        upgrade(connection, {**STEPS, 1: fail})
    assert list(connection.iterdump()) == before
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    upgrade(connection)  # and can be tried again
    connection.close()
    with Run.open(old) as run:
        check(run)


def test_a_rewritten_table_keeps_values_of_columns_that_stay_and_drops_the_others(tmp_path):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(TABLES["events"].ddl)
    new = define_table("events", "kind:text severity:int utc:text", "kind utc")
    connection.execute("INSERT INTO events VALUES (1, 'disk', '{}', 'now', 'wrong')")
    rewrite(connection, TABLES["events"], new)
    rows = connection.execute("SELECT kind, severity, utc, checksum FROM events").fetchall()
    assert rows == [("disk", None, "now", "damaged before the upgrade")]


@pytest.mark.parametrize("write", [False, True])
def test_a_run_of_a_newer_version_is_refused_and_left_alone(old, write):
    with sqlite3.connect(old / "journal.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = (old / "journal.sqlite").read_bytes()
    with pytest.raises(StoreError, match=rf"newer tts-soak \(schema {SCHEMA_VERSION + 1}"):
        Run.open(old, write=write)
    assert (old / "journal.sqlite").read_bytes() == before


def test_every_version_changed_a_table_by_a_step_or_by_a_field_of_an_attempt():
    grown = {version for version in range(1, SCHEMA_VERSION) if attempts_table(version) != attempts_table(version + 1)}
    assert sorted(grown | STEPS.keys()) == list(range(1, SCHEMA_VERSION))
