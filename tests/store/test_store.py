"""A run is written once and read back exactly: identities, order, newest record, odd ids and odd numbers."""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.core.errors import StoreError
from harness.core.records import (
    Arm,
    Attempt,
    Claim,
    Detection,
    Finding,
    Measurement,
    Outcome,
    Status,
    Verdict,
    VerdictWord,
)
from harness.store import Run, latest, list_runs
from harness.store.schema import TABLES
from tests._places import ROOT


@pytest.fixture
def run(tmp_path):
    created = Run.create(tmp_path / "reports", {"corpus": "book"})
    yield created
    created.close()


def begin(run: Run, variant: str = "q4_k_s") -> tuple[int, int]:
    session = run.begin_session(variant, Arm.SOAK, ["a", "b"], {"partial": False})
    return session, run.begin_epoch(session, "start", {"sample_rate": 24000})


def attempt(session: int, sequence: int = 0, **given) -> Attempt:
    given = {"chunk_id": f"c{sequence}", "variant": "q4_k_s", "sample_rate": 24000, **given}
    return Attempt(session=session, epoch=0, sequence=sequence, **given)


def tone(seed: int = 0, samples: int = 2400) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, samples).astype(np.float32)


def same_attempt(one: Attempt, other: Attempt) -> bool:
    def plain(a: Attempt) -> list[object]:
        fields = [getattr(a, name) for name in Attempt.__slots__ if name != "tokens"]
        # + 0.0: SQLite keeps no sign of zero, and no duration has one
        return [repr(value + 0.0) if isinstance(value, float) else value for value in fields]

    tokens = (one.tokens is None) == (other.tokens is None) and (
        one.tokens is None or (one.tokens.shape == other.tokens.shape and np.array_equal(one.tokens, other.tokens))
    )
    return plain(one) == plain(other) and tokens


def test_what_is_recorded_is_read_by_a_second_reader(run):
    session, _ = begin(run)
    tokens = np.arange(12, dtype=np.int32).reshape(6, 2)
    stored = run.record_attempt(attempt(session, tokens=tokens, seed=2**64 - 1, outcome=Outcome.OK), tone())
    finding = Finding("loop", 3.0, 1.5, "reference q99.9", "n", (0.25, 1.0), "twice", confirmed=True, bound_to="text")
    verdict = Verdict(VerdictWord.FAULTY, (finding,), unjudged=("wrong-speaker",))
    run.record_observations(stored.id, [Measurement("signal", "1", Status.OK, {"duration": 0.1})])
    run.record_evidence(stored.id, [Detection("loop", 3.0, "n", (0.25, 1.0)), Detection("hum", None, reason="no F0")])
    run.record_verdict(stored.id, verdict, "limits-1")
    claim = Claim("fault-rate", "q4_k_s", "1 of 1", False, 1.0, (0.025, 1.0), 0.01, 1, {"k": [1]})
    run.record_claims([claim])
    run.record_event("disk", {"free": 3})

    with Run.open(run.path) as reader:
        assert same_attempt(reader.attempts()[0], stored)
        assert reader.attempts()[0].seed == 2**64 - 1
        assert reader.observations(stored.id)["signal"].payload == {"duration": 0.1}
        assert reader.evidence(stored.id)["hum"] == Detection("hum", None, reason="no F0")
        assert reader.verdict(stored.id) == verdict
        assert reader.limits_key(stored.id) == "limits-1"
        assert reader.claims() == [claim]
        assert [event.kind for event in reader.events()] == ["disk"]
        samples, rate = reader.read_audio(stored)
        assert rate == 24000 and np.array_equal(samples, tone())
        assert reader.sessions()[0].chunk_ids == ("a", "b")
        assert reader.epochs(session)[0].capabilities == {"sample_rate": 24000}


def test_every_field_of_an_attempt_has_a_column_in_the_journal() -> None:
    assert {one.name for one in fields(Attempt)} - {"id"} <= set(TABLES["attempts"].names)


def test_an_identity_is_recorded_once_and_its_second_audio_leaves_nothing_behind(run):
    session, _ = begin(run)
    run.record_attempt(attempt(session), tone(1))
    with pytest.raises(StoreError, match=r"chunk 'c0', take 0 is recorded already"):
        run.record_attempt(attempt(session, sequence=0), tone(2))
    assert len(run.attempts()) == 1
    assert len(list((run.path / "audio").iterdir())) == 1
    run.record_attempt(attempt(session, take=1), tone(2))  # the run goes on


def test_an_attempt_of_an_epoch_never_begun_is_refused(run):
    session, _ = begin(run)
    with pytest.raises(StoreError, match="never recorded"):
        run.record_attempt(Attempt(session, 7, 0, "a", "q4_k_s"), None)
    with pytest.raises(StoreError, match="never recorded"):
        run.record_verdict(99, Verdict(VerdictWord.CLEAN), "k")


def test_order_is_by_session_and_sequence_whatever_was_written_first(run):
    first, _ = begin(run)
    second, _ = begin(run, "f16")
    for session, sequence in ((second, 0), (first, 1), (first, 0)):
        run.record_attempt(attempt(session, sequence, variant="f16" if session == second else "q4_k_s"), None)
    assert [(a.session, a.sequence) for a in run.attempts()] == [(first, 0), (first, 1), (second, 0)]
    assert [a.variant for a in run.attempts(variant="f16")] == ["f16"]
    assert [a.sequence for a in run.attempts(session=first, arm="soak")] == [0, 1]


def test_epochs_count_from_zero_within_their_session(run):
    first, epoch = begin(run)
    again = run.begin_epoch(first, "restart after crash", {})
    _, other = begin(run, "f16")
    assert (epoch, again, other) == (0, 1, 0)


def test_the_newest_record_is_read_and_the_older_one_kept(run):
    session, _ = begin(run)
    number = run.record_attempt(attempt(session), None).id
    for wer in (0.5, 0.1):
        run.record_observations(number, [Measurement("intelligibility", "2", Status.OK, {"wer": wer})])
        run.record_evidence(number, [Detection("truncation", wer)])
    run.record_verdict(number, Verdict(VerdictWord.FAULTY, reason="old"), "a")
    run.record_verdict(number, Verdict(VerdictWord.CLEAN), "b")
    assert run.observations(number)["intelligibility"].payload == {"wer": 0.1}
    assert [row.payload for _, row in run.all_observations("intelligibility")] == [{"wer": 0.1}]
    assert run.all_evidence()[number]["truncation"].value == 0.1
    assert run.verdicts("q4_k_s")[number].word is VerdictWord.CLEAN
    assert run.verdicts("another") == {}
    assert run._journal.query("SELECT count(*) FROM observations")[0][0] == 2


def test_ids_that_differ_only_in_case_or_normal_form_stay_apart_and_never_name_a_file(run):
    session, _ = begin(run)
    decomposed = unicodedata.normalize("NFD", "é")
    ids = ["../../etc/passwd", "/abs", "A", "a", "é", decomposed, "nul\0nul", "", "\ud800", "a" * 5000, "CON", "🎧"]
    for sequence, chunk_id in enumerate(ids):
        run.record_attempt(attempt(session, sequence, chunk_id=chunk_id), tone(sequence))
    assert [a.chunk_id for a in run.attempts()] == ids
    names = [path.name for path in (run.path / "audio").iterdir()]
    assert len(names) == len(ids)
    assert all(len(name.rpartition("_")[0]) == 64 for name in names)


def test_equal_samples_share_a_file_but_not_at_another_rate(run):
    session, _ = begin(run)
    one = run.record_attempt(attempt(session, 0), tone())
    two = run.record_attempt(attempt(session, 1), tone())
    three = run.record_attempt(attempt(session, 2, sample_rate=16000), tone())
    assert one.audio == two.audio != three.audio
    assert run.read_audio(three)[1] == 16000


def test_numbers_json_has_no_word_for_come_back_and_the_text_stays_strict_json(run):
    session, _ = begin(run)
    number = run.record_attempt(attempt(session, wall_seconds=math.inf, ttfa=-0.0), None).id
    payload = {"a": math.nan, "b": [math.inf, -math.inf], "n": np.float32(0.5), "m": None}
    run.record_observations(number, [Measurement("signal", "1", Status.OK, payload)])
    run.record_evidence(number, [Detection("nan", math.nan)])
    back = run.observations(number)["signal"].payload
    assert math.isnan(back["a"]) and back["b"] == [math.inf, -math.inf] and back["n"] == 0.5 and back["m"] is None
    assert math.isnan(run.evidence(number)["nan"].value)
    assert run.attempts()[0].wall_seconds == math.inf
    text = run._journal.query("SELECT payload FROM observations")[0][0]
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_a_value_that_cannot_be_stored_is_named_and_leaves_the_run_usable(run):
    session, _ = begin(run)
    number = run.record_attempt(attempt(session), None).id
    with pytest.raises(StoreError, match=r"observations\.payload cannot be stored"):
        run.record_observations(
            number, [Measurement("a", "1", Status.OK, {}), Measurement("b", "1", Status.OK, {"x": object()})]
        )
    assert run.observations(number) == {}  # one transaction: all or nothing
    with pytest.raises(StoreError, match="sample rate"):
        run.record_attempt(attempt(session, 1, sample_rate=None), tone())
    with pytest.raises(StoreError, match="shape"):
        run.record_attempt(attempt(session, 1, tokens=np.arange(3)), None)
    run.record_attempt(attempt(session, 1), tone())


def test_records_made_together_are_there_all_or_none(run):
    session, _ = begin(run)
    number = run.record_attempt(attempt(session), None).id
    with run.together():
        run.record_evidence(number, [Detection("loop", 1.0)])
        run.record_verdict(number, Verdict(VerdictWord.CLEAN), "k")
    assert run.verdict(number) is not None
    with pytest.raises(StoreError, match="never recorded"), run.together():
        run.record_evidence(number, [Detection("loop", 2.0)])
        run.record_verdict(999, Verdict(VerdictWord.CLEAN), "k")
    with pytest.raises(KeyError), run.together():
        run.record_evidence(number, [Detection("loop", 3.0)])
        raise KeyError
    with pytest.raises(ValueError, match="by itself"), run.together():
        run.record_attempt(attempt(session, 1), None)
    assert run.evidence(number)["loop"].value == 1.0
    run.record_attempt(attempt(session, 1), None)


def test_a_run_does_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Run.create(Path("reports"), {}, "r") as run:
        session, _ = begin(run)
        monkeypatch.chdir("/")
        stored = run.record_attempt(attempt(session), tone())
        assert run.read_audio(stored)[1] == 24000 and run.verify() == []
    assert latest(tmp_path / "reports") == tmp_path / "reports" / "r"


def test_the_link_names_the_newest_run_and_a_text_file_does_where_links_fail(tmp_path, monkeypatch):
    root = tmp_path / "reports"
    Run.create(root, {}, "one").close()
    assert (root / "latest").is_symlink() and latest(root) == root / "one"

    def refuse(*_args, **_kwargs):
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    Run.create(root, {}, "two").close()
    assert not (root / "latest").is_symlink() and latest(root) == root / "two"
    (root / "latest").unlink()
    assert latest(root) == root / "two"
    assert [info.run_id for info in list_runs(root)] == ["one", "two"]


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", "latest", "x\0y"])
def test_a_run_cannot_be_named_out_of_its_root(tmp_path, name):
    with pytest.raises(StoreError):
        Run.create(tmp_path / "reports", {}, name)


def test_errors_name_what_is_missing(tmp_path):
    with pytest.raises(StoreError, match="no run"):
        Run.open(tmp_path)
    with pytest.raises(StoreError, match="no run yet"):
        latest(tmp_path)
    Run.create(tmp_path, {}, "one").close()
    with pytest.raises(StoreError, match="of this name already"):
        Run.create(tmp_path, {}, "one")
    with Run.open(tmp_path / "one") as reader, pytest.raises(StoreError, match="reading only"):
        reader.record_event("x", {})


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
number = st.none() | st.floats()
count = st.none() | st.integers(-(2**62), 2**62)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
attempts = st.builds(
    Attempt,
    session=st.just(1), epoch=st.just(0), sequence=st.integers(0, 10**6), chunk_id=text, variant=text, arm=text,
    take=st.integers(0, 10**6), seed=st.none() | st.integers(-(2**64), 2**64), outcome=st.sampled_from(Outcome),
    detail=text, sample_rate=st.integers(1, 192000), duration=number, finish_reason=st.none() | text,
    tokens=st.none() | arrays(np.int32, st.tuples(st.integers(0, 5), st.integers(1, 4))), token_count=count,
    wall_seconds=number, cpu_seconds=number, ttfa=number, rss_bytes=count, peak_rss_bytes=count, stderr_tail=text,
    notes=st.dictionaries(text, json_value, max_size=3),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batch=st.lists(attempts, max_size=4, unique_by=lambda a: (a.arm, a.chunk_id, a.take)),
    samples=arrays(np.float32, st.integers(0, 30), elements=st.floats(width=32)),
)
def test_any_attempt_comes_back_as_it_went_in(tmp_path_factory, batch, samples):
    with Run.create(tmp_path_factory.mktemp("any"), {}) as run:
        begin(run)
        stored = [run.record_attempt(one, samples) for one in batch]
        with Run.open(run.path) as reader:
            back = {a.id: a for a in reader.attempts()}
            assert len(back) == len(stored)
            for one in stored:
                assert same_attempt(back[one.id], one)
                assert reader.read_audio(one)[0].tobytes() == samples.tobytes()


def test_the_documentation_names_every_table_column_and_view(run):
    page = (ROOT / "docs" / "store.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for name in [row[0] for row in run._journal.query("SELECT name FROM sqlite_master WHERE type = 'table'")]:
        line = next(row for row in rows if row.startswith(f"| `{name}`"))
        columns = {row[1] for row in run._journal.query(f"PRAGMA table_info({name})")} - {"id", "checksum"}
        assert {column for column in columns if f"`{column}`" not in line} == set()
    for (view,) in run._journal.query("SELECT name FROM sqlite_master WHERE type = 'view'"):
        assert f"`{view}`" in page
