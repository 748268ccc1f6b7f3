"""Damage on the medium is named, never read as if it were a result: WAL, journal, sound, manifest, ledger."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import StoreError
from harness.core.records import Attempt, Detection, Measurement, Status, Verdict, VerdictWord
from harness.store import Run, list_runs


def tone(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, 800).astype(np.float32)


def fill(run: Run, chunks: int = 4) -> None:
    session = run.begin_session("q4", "soak", [f"c{n}" for n in range(chunks)])
    run.begin_epoch(session, "start", {"sample_rate": 8000})
    for n in range(chunks):
        stored = run.record_attempt(Attempt(session, 0, n, f"c{n}", "q4", sample_rate=8000), tone(n))
        run.record_observations(stored.id, [Measurement("signal", "1", Status.OK, {"n": n, "text": "spoken " * 20})])
        run.record_evidence(stored.id, [Detection("loop", n / 7)])
        run.record_verdict(stored.id, Verdict(VerdictWord.CLEAN), "k")


@pytest.fixture
def finished(tmp_path) -> Path:
    with Run.create(tmp_path / "reports", {"corpus": "book"}, "r") as run:
        fill(run)
        run.finish("finished")
        return run.path


@pytest.fixture
def killed(tmp_path) -> Path:
    """A copy of a run that is still being written: what a kill leaves, WAL included."""
    with Run.create(tmp_path / "live", {"corpus": "book"}, "r") as run:
        fill(run)
        shutil.copytree(run.path, tmp_path / "killed" / "r")
    return tmp_path / "killed" / "r"


def content(run: Run) -> list[object]:
    """All that can be read, as plain values."""
    return [
        [repr(a) for a in run.attempts()],
        [run.observations(a.id) for a in run.attempts()],
        list(run.all_observations()),
        run.all_evidence(),
        run.verdicts(),
        run.sessions(),
        run.epochs(1),
        [event for event in run.events() if event.kind not in {"orphans", "attempts lost"}],
        [run.read_audio(a)[0].tobytes() for a in run.attempts()],
    ]


def flip(path: Path, at: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def test_a_whole_run_verifies(finished, killed):
    for path in (finished, killed):
        with Run.open(path) as run:
            assert run.verify() == []
            assert run.status == ("finished" if path == finished else "running")


def test_a_flipped_bit_in_the_journal_is_never_read_as_a_result(finished):
    with Run.open(finished) as run:
        good = content(run)
    journal = finished / "journal.sqlite"
    original = journal.read_bytes()
    chance = random.Random(3)
    used = [at for at, byte in enumerate(original) if byte]  # flips in free space change nothing
    named = 0
    for _ in range(150):
        flip(journal, chance.choice(used), chance.randrange(8))
        try:
            with Run.open(finished) as run:
                assert content(run) == good
                named += bool(run.verify())
        except StoreError as error:
            assert "journal.sqlite" in str(error) and "\n" not in str(error)
            named += 1
        journal.write_bytes(original)
    assert named > 75


def test_a_changed_value_is_found_by_the_checksum_of_its_row(finished):
    with sqlite3.connect(finished / "journal.sqlite") as connection:
        connection.execute("UPDATE verdicts SET word = 'faulty' WHERE attempt_id = 2")
        connection.execute("DELETE FROM evidence WHERE attempt_id = 3")
    with Run.open(finished) as run:
        assert run.verdict(1).word is VerdictWord.CLEAN
        with pytest.raises(StoreError, match="row 2 of verdicts is damaged"):
            run.verdict(2)
        assert run.verify() == [
            "journal.sqlite: row 3 of evidence is missing",
            "journal.sqlite: row 2 of verdicts is damaged (its checksum does not fit)",
        ]


def test_a_torn_tail_of_the_wal_costs_only_what_was_torn_and_says_so(killed):
    wal = killed / "journal.sqlite-wal"
    wal.write_bytes(wal.read_bytes()[: wal.stat().st_size // 2])
    (killed / "journal.sqlite-shm").unlink(missing_ok=True)
    with Run.open(killed, write=True) as run:
        left = [a.sequence for a in run.attempts()]
        assert left == list(range(len(left))) and len(left) < 4
        assert any("acknowledged attempts are missing" in line for line in run.verify())
        assert [event.data["ids"] for event in run.events("attempts lost")] == [list(range(len(left) + 1, 5))]
        for n in range(len(left), 4):  # resumed: spoken again
            run.record_attempt(Attempt(1, 0, n, f"c{n}", "q4", sample_rate=8000), tone(n))
        assert ["were lost before" in line for line in run.verify()] == [True]  # a loss is never forgotten


def test_a_flipped_bit_in_the_wal_is_no_silent_loss(killed):
    wal = killed / "journal.sqlite-wal"
    original = wal.read_bytes()
    with Run.open(killed) as run:
        good = content(run)
    chance = random.Random(5)
    for _ in range(25):
        (killed / "journal.sqlite-shm").unlink(missing_ok=True)
        flip(wal, chance.randrange(len(original)), chance.randrange(8))
        try:
            with Run.open(killed) as run:
                same = content(run)[0] == good[0]
                assert same or any("missing" in line for line in run.verify())
        except StoreError:
            pass
        wal.write_bytes(original)


@pytest.mark.parametrize("harm", ["truncate", "flip", "header", "delete", "empty", "text"])
def test_a_damaged_sound_is_named_with_its_file_and_hash(finished, harm):
    with Run.open(finished) as run:
        attempt = run.attempts()[2]
        file = finished / attempt.audio
        if harm == "delete":
            file.unlink()
        elif harm in {"flip", "header"}:
            flip(file, 24 if harm == "header" else 200)
        else:
            file.write_bytes({"truncate": file.read_bytes()[:-7], "empty": b"", "text": b"not a sound " * 20}[harm])
        with pytest.raises(StoreError) as caught:
            run.read_audio(attempt)
        assert file.name in str(caught.value) and attempt.audio_sha256 in str(caught.value)
        assert len(run.verify()) == 1 and "attempt 3 ('c2')" in run.verify()[0]
        assert np.array_equal(run.read_audio(run.attempts()[1])[0], tone(1))


def test_the_same_sound_spoken_again_mends_a_damaged_file(finished):
    with Run.open(finished, write=True) as run:
        attempt = run.attempts()[0]
        flip(finished / attempt.audio, 300)
        run.record_attempt(Attempt(1, 0, 9, "c0", "q4", take=1, sample_rate=8000), tone(0))
        assert run.verify() == []


def test_orphans_are_moved_aside_by_the_next_writer_and_only_by_it(finished):
    stray = finished / "audio" / f"{'0' * 64}_8000.wav"
    torn = finished / "audio" / ".x.wav.tmp"
    stray.write_bytes(b"whole sound, no row")
    torn.write_bytes(b"half")
    with Run.open(finished) as run:
        assert len(run.verify()) == 2 and all("belongs to no attempt" in line for line in run.verify())
    assert stray.exists()
    with Run.open(finished, write=True) as run:
        assert run.verify() == []
        assert run.events("orphans")[0].data["files"] == [torn.name, stray.name]
    assert (finished / "audio" / "orphans" / stray.name).read_bytes() == b"whole sound, no row"


def test_a_changed_or_torn_manifest_is_named(finished):
    manifest = finished / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace("book", "cook"))
    with Run.open(finished) as run:
        assert run.verify() == ["manifest.json: changed since the run began"]
    manifest.write_text(text[: len(text) // 2])
    with pytest.raises(StoreError, match=r"manifest\.json: damaged"):
        Run.open(finished)
    info = list_runs(finished.parent)[0]
    assert "damaged" in info.problem and info.attempts is None


@pytest.mark.parametrize("content", [b"", b"not a database at all, only text" * 50])
def test_a_file_that_is_no_journal_is_one_clear_error(finished, content):
    (finished / "journal.sqlite").write_bytes(content)
    for write in (False, True):
        with pytest.raises(StoreError, match=r"journal\.sqlite: "):
            Run.open(finished, write=write)
    (finished / "journal.sqlite").unlink()
    with pytest.raises(StoreError, match="never completely created"):
        Run.open(finished)


def test_a_torn_last_line_of_the_ledger_is_no_damage_and_a_changed_one_is(finished):
    ledger = finished / "acknowledged.log"
    with ledger.open("ab") as file:
        file.write(b"5 12ab")
    with Run.open(finished, write=True) as run:
        assert run.verify() == []
        run.record_attempt(Attempt(1, 0, 8, "c8", "q4"), None)
        assert run.verify() == []
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join([lines[0], b"??\n", *lines[2:]]))
    with Run.open(finished) as run:
        assert run.verify() == ["acknowledged.log: line 2 is damaged"]
