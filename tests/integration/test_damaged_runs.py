"""Damage of a run folder: verify, report and resume say the same, in one line each, and no loss is forgotten."""

import json
import os
import sqlite3

import pytest

from harness.core.errors import ResumeRefused, StoreError
from harness.core.records import Corpus, Variant
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.report import write
from harness.store import Run, latest, list_runs


@pytest.fixture
def plan(tmp_path):
    whole = load_corpus("generated:seed=5,chunks=3")
    corpus = Corpus(whole.name, whole.chunks, whole.sha256)
    variant = Variant(name="n", adapter="null", settings={"seconds_per_word": 0.01})
    ids = tuple(chunk.id for chunk in corpus.chunks)
    return Plan("stress", corpus, (variant,), {"n": ids}, tmp_path / "reports", quiet_chunks=0)


@pytest.fixture
def run(plan):
    return Engine(plan).run()


class Said(Quiet):
    def __init__(self):
        self.lines = []

    def say(self, message):
        self.lines.append(message)


def one_line(call):
    with pytest.raises(StoreError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_run_has_no_damage_in_its_summary(run):
    summary = write(run)
    assert summary.damage == []
    assert not any("damaged" in note for note in summary.notes)


@pytest.mark.parametrize("bit", [5, 6, 7])
def test_a_rate_beyond_32_bits_in_a_wav_is_damage_everywhere(plan, run, bit):
    sound = next((run / "audio").glob("*.wav"))
    data = bytearray(sound.read_bytes())
    data[27] ^= 1 << bit
    sound.write_bytes(data)
    with Run.open(run) as opened:
        assert any("damaged" in line and sound.name in line for line in opened.verify())
    summary = write(run)
    assert summary.damage
    assert "damaged record" in (run / "report.html").read_text()
    said = Said()
    Engine(plan, said).run(run)
    assert any(sound.name in line for line in said.lines)


@pytest.mark.parametrize("kind", ["link to text", "folder", "pipe", "sparse", "link to itself"])
def test_a_sound_that_is_no_file_is_damage(run, tmp_path, kind):
    sound = next((run / "audio").glob("*.wav"))
    data = sound.read_bytes()
    sound.unlink()
    if kind == "link to text":
        (tmp_path / "t").write_text("x" * 100)
        sound.symlink_to(tmp_path / "t")
    elif kind == "folder":
        sound.mkdir()
    elif kind == "pipe":
        os.mkfifo(sound)
    elif kind == "sparse":
        sound.write_bytes(data)
        os.truncate(sound, 3 << 30)
    else:
        sound.symlink_to(sound.name)
    with Run.open(run) as opened:
        assert any(sound.name in line for line in opened.verify())
    assert write(run).damage


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        "{" * 10,
        '{"run_id": "x", "a": ' + "[" * 200 + "]" * 200 + "}",
        "[]",
        '{"run_id": 7}',
        '{"run_id": "x", "n": ' + "9" * 5000 + "}",
        '{"run_id": "x", "n": NaN}',
        "\x00\x01",
    ],
)
def test_a_manifest_that_is_none_is_one_line_and_named_in_the_list(plan, run, content):
    (run / "manifest.json").write_text(content)
    one_line(lambda: Run.open(run))
    one_line(lambda: write(run))
    one_line(lambda: Engine(plan).run(run))
    (info,) = list_runs(run.parent)
    assert info.problem
    assert not info.crashed


@pytest.mark.parametrize("key", ["fingerprint", "corpus", "variants", "provenance", "limits", "profiles", "suite"])
@pytest.mark.parametrize("value", [None, 7, "gone"])
def test_a_manifest_without_a_key_or_with_another_type_is_refused_before_anything_is_spoken(plan, run, key, value):
    data = json.loads((run / "manifest.json").read_text())
    if value == "gone":
        del data[key]
    else:
        data[key] = value
    (run / "manifest.json").write_text(json.dumps(data))
    before = len(Run.open(run).attempts())
    assert "manifest.json" in one_line(lambda: Engine(plan).run(run))
    if key != "fingerprint" or value == 7:
        assert key in one_line(lambda: write(run))
    assert len(Run.open(run).attempts()) == before


def test_an_edited_manifest_is_said_by_verify_report_and_resume(plan, run):
    data = json.loads((run / "manifest.json").read_text())
    data["corpus"]["texts"][0]["text"] = "something else"
    (run / "manifest.json").write_text(json.dumps(data, indent=2))
    with Run.open(run) as opened:
        assert opened.verify() == ["manifest.json: changed since the run began"]
    assert write(run).damage == ["manifest.json: changed since the run began"]
    with pytest.raises(ResumeRefused, match=r"manifest\.json itself"):
        Engine(plan).run(run)


def test_a_lost_end_of_the_journal_stays_known_after_it_was_spoken_again(plan, run):
    with Run.open(run) as opened:
        count = len(opened.attempts())
    with sqlite3.connect(run / "journal.sqlite") as connection:
        for table in ("verdicts", "evidence", "observations"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM attempts WHERE id > 1")
    with Run.open(run) as opened:
        assert any("acknowledged attempts are missing" in line for line in opened.verify())
    assert any("missing" in line for line in write(run).damage)
    said = Said()
    Engine(plan, said).run(run)
    assert any("lost" in line for line in said.lines)
    with Run.open(run) as opened:
        assert len(opened.attempts()) == count
        lines = opened.verify()
    assert any("were lost before" in line for line in lines)
    assert any("lost and spoken again" in line for line in lines)
    assert write(run).damage == lines


def test_each_flipped_bit_of_the_acknowledged_list_is_seen(run):
    file = run / "acknowledged.log"
    original = file.read_bytes()
    silent = 0
    for at in range(len(original) - 1):  # the last byte ends the list: without it the line is a torn one
        for bit in (0, 3, 6):
            data = bytearray(original)
            data[at] ^= 1 << bit
            file.write_bytes(data)
            with Run.open(run) as opened:
                silent += not opened.verify()
    assert silent == 0


def test_a_trigger_in_the_journal_is_refused_by_all(plan, run):
    with sqlite3.connect(run / "journal.sqlite") as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON attempts BEGIN DELETE FROM attempts; END")
    for call in (lambda: Run.open(run), lambda: write(run), lambda: Engine(plan).run(run)):
        assert "trigger" in one_line(call)


def test_rows_sealed_by_somebody_else_are_damage_and_no_traceback(run):
    from harness.store.schema import TABLES

    with sqlite3.connect(run / "journal.sqlite") as connection:
        names = ", ".join(TABLES["attempts"].names)
        row = list(connection.execute(f"SELECT id, {names} FROM attempts WHERE id = 1").fetchone())
        row[1 + TABLES["attempts"].names.index("outcome")] = "bogus"
        connection.execute(
            "UPDATE attempts SET outcome = 'bogus', checksum = ? WHERE id = 1", (TABLES["attempts"].row_checksum(row),)
        )
    assert "row 1" in one_line(lambda: write(run))
    with Run.open(run) as opened:
        assert opened.verify()


@pytest.mark.parametrize("name", ["report.html", "summary.json"])
def test_a_folder_where_the_report_belongs_is_one_line(run, name):
    (run / name).unlink(missing_ok=True)
    (run / name / "x").mkdir(parents=True)
    assert "cannot be written" in one_line(lambda: write(run))


def test_a_file_where_logs_belong_is_one_line(plan, run):
    import shutil

    shutil.rmtree(run / "logs", ignore_errors=True)
    (run / "logs").write_text("x")
    assert "logs" in one_line(lambda: Engine(plan).run(run))
    (run / "logs").unlink()
    Engine(plan).run(run)  # and the run was let go of


def test_a_latest_that_leads_to_itself_is_not_followed(run):
    (run.parent / "latest").unlink()
    (run.parent / "latest").symlink_to("latest")
    assert latest(run.parent) == run


def test_what_a_creation_left_behind_is_swept(plan, run):
    left = run.parent / ".20200101T000000Z-abcdef.new"
    (left / "audio").mkdir(parents=True)
    os.utime(left, (1, 1))
    young = run.parent / ".20990101T000000Z-abcdef.new"
    young.mkdir()
    Engine(plan).run()
    assert not left.exists()
    assert young.exists()


@pytest.mark.parametrize("name", ["lock", "acknowledged.log"])
def test_a_link_in_the_place_of_a_file_that_is_written_is_not_followed(plan, run, tmp_path, name):
    elsewhere = tmp_path / "somebody-elses.txt"
    elsewhere.write_text("untouched")
    (run / name).unlink()
    (run / name).symlink_to(elsewhere)
    one_line(lambda: Engine(plan).run(run))
    assert elsewhere.read_text() == "untouched"
