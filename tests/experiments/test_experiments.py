"""The suites beyond stress, driven through pytest on the null backend: what they run, say and write."""

import json

import psutil
import pytest

from harness.core.records import Arm, Variant
from harness.corpora import load_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.engine.session import PlannedRequest
from harness.experiments.stage import ExperimentRun
from harness.store import Run
from tests._places import ROOT


@pytest.fixture
def suites(pytester):
    """All suites of the project with the plugin; variants ``good`` (the reference) and ``plain``."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    for name in ("determinism", "quantization", "sweep", "ladder"):
        folder = pytester.path / "suites" / name
        folder.mkdir(parents=True)
        for file in (ROOT / "suites" / name).glob("*.*"):
            (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (pytester.path / "variants.toml").write_text(
        "[defaults]\nadapter = 'null'\n[defaults.settings]\nseconds_per_word = 0.02\n"
        "[variants.good]\nreference = true\n[variants.plain]\n"
        "[variants.elsewhere]\nsuites = ['determinism']\n"
    )
    return pytester


def drive(suites, name, *arguments, scorers="none"):
    return suites.runpytest_subprocess(
        *(f"suites/{name}", "--variants", "variants.toml", "--reports", "reports"),
        *("--scorers", scorers, *arguments),
    )


def results(suites):
    return json.loads((suites.path / "reports" / "latest" / "results.json").read_text())


def test_a_backend_without_state_is_bit_identical(suites):
    result = drive(suites, "determinism", "-k", "plain", "--corpus", "generated:seed=3,chunks=5")
    plain = results(suites)["plain"]
    assert plain["word"] == "bit-identical"
    assert plain["arms"]["long"]["probes"] >= 2
    assert plain["arms"]["threads"]["probes"] == 0
    result.assert_outcomes(passed=8, skipped=2)  # the adapter has neither threads nor parallel slots
    assert "bit-identical" in (suites.path / "reports" / "latest" / "results.md").read_text()
    reported(suites, "determinism", result)


def test_a_variant_of_one_suite_is_in_no_other(suites):
    corpus = ("--corpus", "generated:seed=3,chunks=5")
    assert drive(suites, "ladder", "-k", "elsewhere", *corpus).ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_reference_runs_along_with_other_seeds_as_the_null(suites):
    corpus = ("--corpus", "generated:seed=3,chunks=4")
    result = drive(suites, "quantization", "-k", "plain", *corpus, scorers="tokens")
    assert list(results(suites)) == ["good", "good, other seeds", "plain"]
    reported(suites, "quantization", result)
    with Run.open(suites.path / "reports" / "latest") as run:
        claim = next(claim for claim in run.claims() if claim.name == "divergence")
    assert claim.passed is None
    assert claim.statement == "not judged: the adapter null does not note the token ids of what it asks and generates"
    assert "Divergence of plain is not known" in (suites.path / "reports" / "latest" / "results.md").read_text()


def test_crashes_from_a_length_on_are_named_by_that_length(suites):
    (suites.path / "variants.toml").write_text(
        "[variants.long]\nadapter = 'null'\n[variants.long.settings]\nseconds_per_word = 0.02\n"
        "fail = [{ kind = 'crash', chunks = ['ladder-00004-1', 'ladder-00008-1'] }]\n"
    )
    result = drive(suites, "ladder", "--corpus", "ladder:words=8")
    result.stdout.fnmatch_lines(["*from 4 words on it crashes or hangs*"])
    reported(suites, "ladder", result)


def test_a_setting_that_the_adapter_does_not_know_is_one_line(suites):
    result = drive(suites, "sweep", "-k", "plain", "--corpus", "generated:seed=3,chunks=4")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "temperature" in result.stdout.str() + result.stderr.str()


def test_a_wrong_key_of_an_experiment_is_one_line(suites):
    (suites.path / "limits.toml").write_text("[determinism]\nprobs = 3\n")
    corpus = ("--corpus", "generated:seed=3,chunks=5")
    result = drive(suites, "determinism", "-k", "plain", "--limits", "limits.toml", *corpus)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'probes'" in result.stdout.str() + result.stderr.str()


# ------------------------------------------------------------------------------------------- what they leave behind
def reported(suites, name, result):
    """The run wrote what a soak writes: every claim is in the summary and on the page, whose place is printed."""
    latest = suites.path / "reports" / "latest"
    summary = json.loads((latest / "summary.json").read_text())
    assert (summary["suite"], summary["status"]) == (name, "finished")
    with Run.open(latest) as run:
        claims = run.claims()
    page = (latest / "report.html").read_text()
    assert claims
    for claim in claims:
        assert f'"{claim.name}"' in json.dumps(summary)
        assert claim.name in page
    result.stdout.fnmatch_lines(["report: *report.html"])


def test_a_sweep_reports_on_settings_that_are_no_variant_of_the_file(suites):
    (suites.path / "limits.toml").write_text("[sweep]\nlist = [{ seconds_per_word = 0.03 }]\n")
    corpus = ("--corpus", "generated:seed=3,chunks=2")
    reported(suites, "sweep", drive(suites, "sweep", "-k", "plain", *corpus, "--limits", "limits.toml"))


def test_a_run_is_not_resumed_under_other_limits(suites):
    limits = suites.path / "limits.toml"
    limits.write_text("[ladder]\ntakes_short = 1\n")
    asked = ("ladder", "-k", "plain", "--limits", "limits.toml", "--corpus", "ladder:words=1")
    drive(suites, *asked)
    assert "cannot resume" not in drive(suites, *asked, "--resume").stdout.str()
    limits.write_text("[ladder]\ntakes_short = 2\n")
    result = drive(suites, *asked, "--resume")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "limits.ladder.takes_short" in result.stdout.str() + result.stderr.str()


# ------------------------------------------------------------------------------------------- who ends the worker
def staged(tmp_path):
    corpus = load_corpus("generated:seed=5,chunks=4")
    variant = Variant(name="n", adapter="null", settings={"seconds_per_word": 0.01})
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan("determinism", corpus, (variant,), {"n": ids}, tmp_path / "reports")
    return ExperimentRun(plan, Quiet(), None), variant, [PlannedRequest(chunk) for chunk in corpus.chunks]


def workers():
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_a_session_left_half_way_ends_with_the_stage_while_somebody_still_holds_it(tmp_path):
    stage, variant, turns = staged(tmp_path)
    before = workers()
    with pytest.raises(KeyboardInterrupt), stage:
        spoken = stage.soak(variant).speak_apart(Arm.REFERENCE, turns, {})
        next(spoken)
        assert workers() - before
        raise KeyboardInterrupt
    assert not workers() - before
    with Run.open(stage.run.path) as run:
        assert run.status == "interrupted"


def test_a_driver_has_one_living_worker_at_most(tmp_path):
    stage, variant, turns = staged(tmp_path)
    before = workers()
    with stage:
        soak = stage.soak(variant)
        left = soak.speak_apart(Arm.REFERENCE, turns, {"take": 0})
        next(left)
        first = workers() - before
        other = soak.speak_apart(Arm.REFERENCE, turns, {"take": 1})
        next(other)
        assert not first & workers()
        left.close()  # late: it ends its own worker again, not the other one
        assert [attempt.outcome.value for attempt, _, _ in other] == ["ok"] * (len(turns) - 1)
    assert not workers() - before


# ------------------------------------------------------------------------------------------- divergence in the suite
FAMILY = """
[defaults]
adapter = "llama_codec"
seed = 7
[defaults.settings]
voice_dir = "{voice}"
segment_phones = 60
[variants.f16]
model = "{voice}/f16.gguf"
reference = true
[variants.q8_0]
model = "{voice}/q8_0.gguf"
[variants.q2_k]
model = "{voice}/q2_k.gguf"
"""


@pytest.fixture
def family(suites):
    """The quantization suite on three models of the embedded voice, the first two sentences."""
    (suites.path / "variants.toml").write_text(FAMILY.format(voice=ROOT / "voices" / "duo"))
    asked = ("quantization", "--corpus", "sentences", "--chunks")
    return lambda chunks, *more: drive(suites, *asked, str(chunks), *more, scorers="tokens")


def test_the_reference_speech_is_fed_to_every_variant(suites, family):
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python (extra 'divergence')")
    family(2)
    by_variant = results(suites)
    means = {name: by_variant[name]["divergence"]["speech"]["divergence"]["value"] for name in ("f16", "q8_0", "q2_k")}
    assert means["f16"] == 0.0 < means["q8_0"] < means["q2_k"] / 20
    assert by_variant["q2_k"]["model_bytes"] == (ROOT / "voices" / "duo" / "q2_k.gguf").stat().st_size
    with Run.open(suites.path / "reports" / "latest") as run:
        claims = {(claim.variant, claim.name): claim for claim in run.claims()}
    assert claims["q8_0", "divergence"].passed is True
    assert claims["q2_k", "divergence"].passed is not True
    assert "only 0 have both" in claims["f16", "foretells-wer"].statement  # nothing was transcribed
    table = (suites.path / "reports" / "latest" / "results.md").read_text()
    assert "| q2_k | prosody |" in table


def test_a_model_that_crashes_the_library_does_not_end_the_run(suites, family, monkeypatch):
    (suites.path / "fake").mkdir()
    (suites.path / "fake" / "llama_cpp.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setenv("PYTHONPATH", str(suites.path / "fake"))
    family(1, "-k", "q2_k")
    with Run.open(suites.path / "reports" / "latest") as run:
        assert run.status == "finished"
        claims = [claim for claim in run.claims() if claim.name == "divergence"]
    assert [claim.passed for claim in claims] == [None]
    assert "was ended by SIGSEGV" in claims[0].statement
