"""The engine with a real worker process: epochs, confirmation, resume. No scorers: process faults and the journal."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.core.errors import ConfigError, ResumeRefused
from harness.core.records import Arm, Corpus, Outcome, Variant, VerdictWord
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.fingerprint import model_hashes
from harness.engine.plan import Confirmation, Plan
from harness.engine.progress import Quiet, Tick
from harness.report import run_summary
from harness.store import Run
from harness.store.table import attempt_rows
from harness.verdicts.profile import Profile
from tests._places import ROOT

VOICE = ROOT / "voices" / "duo"


@pytest.fixture
def corpus():
    whole = load_corpus("generated:seed=5,chunks=8")
    return Corpus(whole.name, whole.chunks, whole.sha256)


def plan_of(tmp_path, corpus, variant=None, **changes):
    variant = variant or null()
    plan = Plan(
        suite="stress",
        corpus=corpus,
        variants=(variant,),
        selection={variant.name: tuple(chunk.id for chunk in corpus.chunks)},
        reports=tmp_path / "reports",
        quiet_chunks=0,
    )
    return replace(plan, **changes)


def null(**settings):
    return Variant(name="n", adapter="null", settings={"seconds_per_word": 0.01, **settings}, progress_timeout=3.0)


class StopAt(Quiet):
    """Interrupts the run as Ctrl-C would, after some chunks."""

    def __init__(self, count):
        self.count = count

    def tick(self, tick: Tick) -> None:
        if tick.stage == "soak" and tick.done == self.count:
            raise KeyboardInterrupt


def soaked(run):
    return [(a.chunk_id, a.take, a.audio_sha256, a.seed) for a in run.attempts(arm=Arm.SOAK)]


def test_every_chunk_is_spoken_once_in_order_by_one_process(tmp_path, corpus):
    run = Run.open(Engine(plan_of(tmp_path, corpus)).run())
    attempts = run.attempts(arm=Arm.SOAK)
    assert [a.chunk_id for a in attempts] == [chunk.id for chunk in corpus.chunks]
    assert [a.sequence for a in attempts] == list(range(len(corpus.chunks)))
    assert {a.epoch for a in attempts} == {0}
    assert run.status == "finished"
    assert run.verify() == []


def test_a_row_of_the_table_tells_when_the_backend_was_asked(tmp_path, corpus):
    before = datetime.now(UTC)
    with Run.open(Engine(plan_of(tmp_path, corpus)).run()) as run:
        times = [datetime.fromisoformat(str(row["asked_utc"])) for row in attempt_rows(run)]
    assert before <= times[0] < times[-1] <= datetime.now(UTC)
    assert times == sorted(times)


def test_without_scorers_nothing_is_called_clean(tmp_path, corpus):
    run = Run.open(Engine(plan_of(tmp_path, corpus)).run())
    words = {verdict.word for verdict in run.verdicts().values()}
    assert words == {VerdictWord.NOT_JUDGED}


def test_a_crash_is_a_fault_and_a_new_epoch(tmp_path, corpus):
    victim = corpus.chunks[3].id
    variant = null(fail=[{"kind": "crash", "chunks": [victim]}])
    run = Run.open(Engine(plan_of(tmp_path, corpus, variant)).run())
    attempts = {a.chunk_id: a for a in run.attempts(arm=Arm.SOAK)}
    assert attempts[victim].outcome is Outcome.CRASH
    assert "SIGSEGV" in attempts[victim].detail
    assert [a.epoch for a in attempts.values()] == [0] * 4 + [1] * 4
    epochs = run.epochs(attempts[victim].session)
    assert [epoch.reason for epoch in epochs] == ["start", "restart after failure"]
    verdict = run.verdict(attempts[victim].id)
    (finding,) = verdict.findings
    assert (verdict.word, finding.fault, finding.confirmed) == (VerdictWord.FAULTY, "crash", True)
    assert finding.bound_to == "text"


def test_a_fault_of_the_seed_and_one_of_the_history_are_told_apart(tmp_path, corpus):
    late = null(fail=[{"kind": "crash", "first": 6}])
    run = Run.open(Engine(plan_of(tmp_path / "a", corpus, late)).run())
    bound = [f.bound_to for verdict in run.verdicts(arm=Arm.SOAK).values() for f in verdict.findings]
    assert bound == ["history"]
    unlucky = null(fail=[{"kind": "crash", "fraction": 0.2}])
    run = Run.open(Engine(plan_of(tmp_path / "b", corpus, unlucky, confirmation=Confirmation(new_seeds=3))).run())
    findings = [f for verdict in run.verdicts(arm=Arm.SOAK).values() for f in verdict.findings]
    assert findings
    assert {f.bound_to for f in findings} == {"seed"}
    assert all(f.confirmed for f in findings)


def test_retries_are_kept_and_the_first_attempt_is_judged(tmp_path, corpus):
    variant = replace(null(fail=[{"kind": "crash", "every": 5}]), retries=2)
    run = Run.open(Engine(plan_of(tmp_path, corpus, variant, confirmation=Confirmation(enabled=False))).run())
    retried = run.attempts(arm=Arm.RETRY)
    assert [a.outcome for a in retried] == [Outcome.OK]
    first = next(a for a in run.attempts(arm=Arm.SOAK) if a.chunk_id == retried[0].chunk_id)
    assert run.verdict(first.id).word is VerdictWord.FAULTY


def test_a_resumed_run_equals_an_unbroken_one(tmp_path, corpus):
    whole = Run.open(Engine(plan_of(tmp_path / "whole", corpus)).run())
    plan = plan_of(tmp_path / "broken", corpus)
    with pytest.raises(KeyboardInterrupt):
        Engine(plan, StopAt(3)).run()
    path = next((tmp_path / "broken" / "reports").glob("2*"))
    assert Run.open(path).status == "interrupted"
    assert Engine(plan).run(path) == path
    resumed = Run.open(path)
    assert soaked(resumed) == soaked(whole)
    session = resumed.attempts(arm=Arm.SOAK)[0].session
    assert [epoch.reason for epoch in resumed.epochs(session)] == ["start", "resume"]
    assert resumed.status == "finished"


def test_resume_is_refused_when_something_changed_and_says_what(tmp_path, corpus):
    path = Engine(plan_of(tmp_path, corpus)).run()
    with pytest.raises(ResumeRefused, match=r"settings\.n\.settings"):
        Engine(plan_of(tmp_path, corpus, null(sample_rate=16000))).run(path)
    other = Corpus(corpus.name, corpus.chunks, "0" * 64)
    with pytest.raises(ResumeRefused, match=r"corpus\.sha256"):
        Engine(plan_of(tmp_path, other)).run(path)


def test_a_backend_that_cannot_be_loaded_is_said_and_nothing_is_clean(tmp_path, corpus):
    run = Run.open(Engine(plan_of(tmp_path, corpus, null(load="raise"))).run())
    assert [event.data["variant"] for event in run.events("cannot be loaded")] == ["n"]
    assert run.attempts() == []


def test_a_backend_that_cannot_come_back_is_given_up(tmp_path, corpus, monkeypatch):
    from harness.backends import worker

    starts = []
    real = worker.Worker.start

    def start(self):
        starts.append(1)
        if len(starts) > 1:
            raise worker.BackendLoadFailed("out of memory")
        return real(self)

    monkeypatch.setattr(worker.Worker, "start", start)
    variant = null(fail=[{"kind": "crash", "first": 3}])
    run = Run.open(Engine(plan_of(tmp_path, corpus, variant, confirmation=Confirmation(enabled=False))).run())
    assert len(run.attempts(arm=Arm.SOAK)) == 3
    assert [event.data["reason"] for event in run.events("gave up")] == ["out of memory"]


def test_an_unknown_adapter_names_the_nearest_one(tmp_path, corpus):
    variant = Variant(name="n", adapter="comand", source="v.toml")
    with pytest.raises(ConfigError, match=r"v\.toml: variants\.n\.adapter.*did you mean 'command'"):
        Engine(plan_of(tmp_path, corpus, variant)).run()


def test_a_profile_made_by_another_recognizer_is_not_compared_with_and_that_is_said(tmp_path, corpus):
    Profile({"scorer.signal": "of another time"}, {}, {}, {}).save(tmp_path / "p.json.gz")
    variant = replace(null(), profile=tmp_path / "p.json.gz")
    path = Engine(plan_of(tmp_path, corpus, variant, scorers={"signal": {}})).run()
    (note,) = run_summary(Run.open(path)).notes
    assert "neither the reference's profile nor its limits serve" in note
    assert "scorer.signal was of another time" in note


def test_a_profile_of_the_model_with_another_codec_is_not_compared_with(tmp_path):
    variant = Variant("m", "llama_codec", {"model": str(VOICE / "f16.gguf")}, reference=True)
    hashes = model_hashes(variant)
    assert {"model", "codec.npz", "voice.json"} <= set(hashes)
    keys = {f"model.{name}": sha256 for name, sha256 in hashes.items()}
    assert Profile(keys, {}, {}, {}).mismatch(keys) == ""
    assert "model.codec.npz was other" in Profile({**keys, "model.codec.npz": "other"}, {}, {}, {}).mismatch(keys)


def test_a_recognizer_that_does_not_exist_is_refused_before_anything_runs(tmp_path, corpus):
    plan = plan_of(tmp_path, corpus, scorers={"intelligibility": {"asr": "wisper:base.en"}})
    with pytest.raises(ConfigError, match="did you mean 'whisper'"):
        Engine(plan).run()
    assert not (tmp_path / "reports").exists()
