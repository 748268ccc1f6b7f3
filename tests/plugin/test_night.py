"""The nightly job as it is run: `tts-soak nightly` as a real process, on the null backend."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.engine.night import PLAN, NightPlan
from harness.report.baseline import promote
from harness.store import Run
from tests._places import ROOT

VARIANTS = """
[defaults]
adapter = "null"
[defaults.settings]
seconds_per_word = 0.02
mode = "speechlike"
[variants.a]
reference = true
[variants.b]
"""
FAULTS = '["crash", "nan-inf"]'
STRESS = "chunks = 4, compare = true, quiet_chunks = 0, confirm = false, scorers = 'signal'"


def night(where: Path, plan: str, *arguments: str, variants: str = VARIANTS, start=subprocess.run):  # or Popen
    """Run a night in ``where``; returns the finished process."""
    (where / "plan.toml").write_text(plan)
    (where / "variants.toml").write_text(variants)
    files = [f"--{name}={where / value}" for name, value in (("variants", "variants.toml"), ("reports", "reports"))]
    command = [sys.executable, "-m", "harness.cli", "nightly", "--plan", str(where / "plan.toml")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return start(
        [*command, *files, "-p", "no:cacheprovider", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=where,
        env=environment,
    )


def kept(where: Path) -> list[dict]:
    """The records of the nights, oldest first."""
    return [json.loads(path.read_text()) for path in sorted((where / "reports" / "nights").glob("*.json"))]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A night of three suites on two null variants: where it lies, and what it printed."""
    where = tmp_path_factory.mktemp("night")
    plan = f"""
    [suites]
    canary = {{ variants = ["b"], chunks = 12, gate = true, scorers = "signal", margins = {{ faults = {FAULTS} }} }}
    stress = {{ {STRESS} }}
    quantization = {{ chunks = 4, renditions = "stress", scorers = "signal" }}
    """
    return where, night(where, plan, "--junitxml", str(where / "junit.xml"))


def test_every_suite_of_the_plan_is_a_run_of_one_night(whole):
    where, done = whole
    (record,) = kept(where)
    assert [part["suite"] for part in record["suites"]] == ["canary", "stress", "quantization"], done.stdout
    assert all((where / "reports" / part["run"] / "report.html").is_file() for part in record["suites"])
    assert record["exit"] == done.returncode == 1
    assert record["failed"] == ["quantization: nothing was decided"]  # four silent-ish chunks say nothing of the cost
    page = (where / "reports" / "index.html").read_text()
    assert "quantization: nothing was decided" in page
    assert all(f"{part['run']}/report.html" in page for part in record["suites"])
    metrics = (where / "reports" / "metrics.prom").read_text()
    assert "tts_soak_night_exit_code 1.0" in metrics
    assert 'tts_soak_chunks{corpus="book",suite="stress"' in metrics


def test_what_two_suites_ask_alike_is_spoken_once(whole):
    where, _ = whole
    runs = {part["suite"]: where / "reports" / part["run"] for part in kept(where)[0]["suites"]}
    with Run.open(runs["stress"]) as first, Run.open(runs["quantization"]) as second:
        taken = second.events("adopted")
        assert {event.data["variant"]: event.data["attempts"] for event in taken} == {"a": 4, "b": 4}
        assert {event.data["from"] for event in taken} == {first.run_id}
        for variant in ("a", "b"):
            old, new = first.attempts(variant=variant, arm="soak"), second.attempts(variant=variant, arm="soak")
            assert [(a.chunk_id, a.seed, a.audio_sha256) for a in old] == [
                (a.chunk_id, a.seed, a.audio_sha256) for a in new
            ]
            assert len(second.verdicts(variant=variant, arm="soak")) == 4  # judged anew, by its own standard
        assert second.verify() == []


def test_a_night_reports_faulty_chunks_and_does_not_fail_for_them(whole):
    where, done = whole
    assert " xfailed" in done.stdout
    assert " failed" not in done.stdout.splitlines()[-1]
    assert "reported only: stress: fault-rate of a" in done.stdout
    assert 'type="pytest.xfail"' in (where / "junit.xml").read_text()


def test_a_canary_that_is_not_found_fails_the_night_with_one_clear_line(tmp_path):
    table = 'margins = { faults = ["nan-inf", "crash"] }'
    done = night(
        tmp_path, f'[suites]\ncanary = {{ variants = ["b"], chunks = 8, gate = true, scorers = "none", {table} }}'
    )
    assert done.returncode == 1, done.stdout
    (line,) = [text for text in done.stdout.splitlines() if text.startswith("FAILS: canary:")]
    assert "1 of 2 planted faults were found; NOT FOUND: nan-inf in book-" in line


def test_gates_report_first_and_fail_when_they_are_asked_to(tmp_path):
    plan = f"[suites]\nstress = {{ {STRESS} }}"
    first = night(tmp_path, plan)
    assert first.returncode == 0, first.stdout
    assert "no earlier run" in first.stdout
    (run,) = [part["run"] for part in kept(tmp_path)[0]["suites"]]
    promote(tmp_path / "reports" / run, "main", tmp_path / "reports")
    leaking = VARIANTS + "settings = { fail = [{ kind = 'leak', megabytes = 40 }] }\n"
    second = night(tmp_path, plan, "--baseline", "main", variants=leaking)
    assert second.returncode == 0, second.stdout
    assert "reported only: nightly: b against the baseline: memory: peak memory +" in second.stdout
    assert "reported only: nightly: b against the last runs: memory: peak memory +" in second.stdout
    (tmp_path / "limits.toml").write_text("[gates]\ngate = true\nlast = 1\n")
    grown = leaking.replace("40", "120")
    third = night(tmp_path, plan, "--limits", str(tmp_path / "limits.toml"), variants=grown)
    assert third.returncode == 1, third.stdout
    assert "FAILS: nightly: b against the last runs: memory" in third.stdout
    assert [record["exit"] for record in kept(tmp_path)] == [0, 0, 1]


def test_a_suite_that_cannot_be_run_leaves_the_others_be_and_is_exit_code_4(tmp_path):
    plan = f"[suites]\ncanary = {{ chunks = 1, gate = true }}\nstress = {{ {STRESS} }}"
    done = night(tmp_path, plan)
    assert done.returncode == 4, done.stdout
    assert "could not be run: canary: canary: 10 faults need as many chunks" in done.stdout
    parts = {part["suite"]: part for part in kept(tmp_path)[0]["suites"]}
    assert parts["canary"]["problem"]
    assert parts["stress"]["run"]


def test_a_harness_that_cannot_write_is_exit_code_3(tmp_path):
    (tmp_path / "reports").write_text("in the way")
    done = night(tmp_path, f"[suites]\nstress = {{ {STRESS} }}")
    assert done.returncode == 3, done.stdout


def test_a_selection_of_nothing_is_exit_code_5(tmp_path):
    assert night(tmp_path, f"[suites]\nstress = {{ {STRESS} }}", "-k", "no_such_variant").returncode == 5


@pytest.mark.parametrize(
    ("plan", "arguments", "says"),
    [
        ("[suites]\nstres = {}", [], "there is no suite 'stres'"),
        ("[suites]\nstress = { chunk = 3 }", [], "unknown key 'chunk' (did you mean 'chunks'?)"),
        ("[suites]\nstress = { variants = ['c'] }", [], "no variant 'c'"),
        ("[suites]\nstress = {}", ["--baseline", "mian"], "no baseline 'mian'"),
        ("[suites]\nstress = {}", ["--resume"], "a night cannot be resumed"),
        ("[suite]\nstress = {}", [], "unknown key 'suite' (did you mean 'suites'?)"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_4_before_anything_is_spoken(tmp_path, plan, arguments, says):
    done = night(tmp_path, plan, *arguments)
    assert done.returncode == 4, done.stdout
    assert says in done.stdout
    assert not list((tmp_path / "reports").glob("2*"))


def test_an_interrupted_night_is_exit_code_2_and_keeps_what_was_acknowledged(tmp_path):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell inherits it ignored
    slow = VARIANTS.replace("seconds_per_word = 0.02", "seconds_per_word = 0.02\ndelay = 0.2")
    process = night(
        tmp_path, f"[suites]\nstress = {{ {STRESS.replace('4', '300')} }}", variants=slow, start=subprocess.Popen
    )
    try:
        journal = None
        for _ in range(1200):
            journal = next((tmp_path / "reports").glob("2*/journal.sqlite"), None)
            if journal is not None and _attempts(journal.parent):
                break
            time.sleep(0.05)
        assert journal is not None
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2, told
    with Run.open(journal.parent) as run:
        assert run.status == "interrupted"
        assert run.attempt_count() >= 1


def _attempts(path: Path) -> int:
    try:
        with Run.open(path) as run:
            return run.attempt_count()
    except Exception:  # being written just now
        return 0


# ------------------------------------------------------------------------------------------ the project's own plan
@pytest.mark.parametrize("quick", [False, True])
def test_the_plan_of_this_project_names_suites_and_variants_that_are_there(quick):
    from harness.core.variants import load_variants

    plan = NightPlan.load(PLAN, quick)
    assert len(plan.files()) == len(plan.parts) + 1
    variants = {variant.name for variant in load_variants(PLAN.parents[2] / "variants.toml")}
    for part in plan.parts.values():
        assert set(part.variants or ()) <= variants
    assert plan.parts["canary"].gate


def test_a_suite_cannot_take_over_what_comes_after_it(tmp_path):
    (tmp_path / "p.toml").write_text("[suites]\nquantization = { renditions = 'stress' }\nstress = {}")
    with pytest.raises(ConfigError, match=r"quantization\.renditions: must name a suite before it"):
        NightPlan.load(tmp_path / "p.toml")


def test_a_suite_over_some_variants_still_knows_the_reference(whole):
    where, _ = whole
    runs = {part["suite"]: where / "reports" / part["run"] for part in kept(where)[0]["suites"]}
    manifest = json.loads((runs["canary"] / "manifest.json").read_text())
    assert [variant["name"] for variant in manifest["variants"]] == ["b"]
    assert manifest["reference"] == "a"


# ------------------------------------------------------------------------------------------ taking over
def test_only_the_same_session_is_taken_over(tmp_path):
    """Another setting, other chunks, another scorer or its option: then it is spoken again."""
    from harness.core.records import Variant
    from harness.corpora import load_corpus
    from harness.engine.engine import Engine
    from harness.engine.plan import Plan

    corpus = load_corpus("generated:seed=1,chunks=3")
    variant = Variant(name="v", adapter="null", settings={"seconds_per_word": 0.02})
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan("stress", corpus, (variant,), {"v": ids}, tmp_path, quiet_chunks=0)
    source = Engine(plan).run()

    def taken(**changed) -> int:
        run = Engine(replace(plan, suite="quantization", adopt=source, **changed)).begin()
        try:
            return sum(event.data["attempts"] for event in run.events("adopted"))
        finally:
            run.close()

    assert taken() == 3
    assert taken(variants=(replace(variant, settings={"seconds_per_word": 0.03}),)) == 0
    assert taken(variants=(replace(variant, seed=5),)) == 0
    assert taken(selection={"v": ids[:2]}) == 0
    assert taken(scorers={"signal": {}}) == 0
