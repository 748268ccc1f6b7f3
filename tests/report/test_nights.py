"""Baselines, the comparison with them and with the nights before, and the trend page."""

import json
import time
from dataclasses import replace

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.core import paths
from harness.core.errors import ConfigError
from harness.report import baseline
from harness.report.baseline import compare_with_baseline, promote, read_baseline
from harness.report.compare import compare_runs, pool
from harness.report.digest import Digest, DigestChunk, DigestCorpus, VariantDigest, digest
from harness.report.gates import Gates
from harness.report.trend import TrendRun, read_trend, render_index, steps
from harness.store import Run
from tests._report_run import make_run

GATE = Gates(gate=True)


def night(faulty=(), *, chunks=60, errors=1, wall=0.5, peak=100_000_000, run_id="now", timed=True, judged=True):
    """A digest of one variant: ``faulty`` are positions."""
    rows = {
        f"c{i:03d}": DigestChunk((i in faulty) if judged else None, errors, 20, 0.1, 5.0, wall * (1 + 0.01 * (i % 5)))
        for i in range(chunks)
    }
    part = VariantDigest(rows, peak)
    return Digest(run_id, "2026-01-01", "stress", DigestCorpus("book", "ab"), "asr", timed, {"q4": part})


def claims(now, before, gates=GATE):
    return {claim.name: claim for claim in compare_runs(now, before, gates)}


def test_the_same_night_twice_fails_nothing():
    by_name = claims(night((1, 2)), night((1, 2), run_id="then"))
    assert {claim.passed for claim in by_name.values()} <= {True, None}
    assert by_name["wer"].passed is True
    assert by_name["speed"].passed is True


def test_new_faults_are_named_and_fail_when_they_are_more_than_chance():
    claim = claims(night(range(10, 18)), night((), run_id="then"))["new-faults"]
    assert claim.passed is False
    assert claim.details["new"] == [f"c{i:03d}" for i in range(10, 18)]
    assert "c010" in claim.statement


def test_faults_that_only_move_are_no_failure():
    claim = claims(night(range(8)), night(range(8, 16), run_id="then"))["new-faults"]
    assert claim.passed is True
    assert claim.details["gone"] == 8


def test_a_few_new_faults_in_a_few_chunks_are_open_not_passed():
    claim = claims(night((1,), chunks=12), night((), chunks=12, run_id="then"))["fault-rate"]
    assert claim.passed is None


@pytest.mark.parametrize(
    ("worse", "name"),
    [
        ({"errors": 2}, "wer"),
        ({"wall": 0.7}, "speed"),
        ({"peak": 130_000_000}, "memory"),
        ({"faulty": range(30)}, "fault-rate"),
    ],
)
def test_each_figure_has_its_gate_and_only_the_worse_direction_fails(worse, name):
    plain, bad = night(run_id="then"), night(**worse)
    assert claims(bad, plain)[name].passed is False
    assert claims(plain, bad)[name].passed is True


def test_timings_of_an_overloaded_machine_are_not_compared():
    claim = claims(night(wall=5.0, timed=False), night(run_id="then"))["speed"]
    assert claim.passed is None
    assert "timings invalid" in claim.statement


def test_times_of_another_machine_are_not_compared_but_everything_else_is():
    here, there = (replace(night(run_id=name), machine=f"{name}, 2 cores") for name in ("here", "there"))
    slow = replace(night(wall=5.0), machine=here.machine)
    by_name = claims(slow, there)
    assert by_name["speed"].passed is None
    assert "another machine then (there, 2 cores) than now (here, 2 cores)" in by_name["speed"].statement
    assert by_name["wer"].passed is True
    assert claims(slow, here)["speed"].passed is False
    assert claims(slow, pool([here, there, there, here], "the last 4"))["speed"].value == pytest.approx(9.0)


def test_pooling_leaves_overloaded_nights_out_of_the_times():
    pooled = pool([night(wall=0.5), night(wall=50.0, timed=False), night(wall=0.5)], "three")
    assert pooled.variants["q4"].chunks["c000"].wall_seconds == pytest.approx(0.5)
    assert pool([night(timed=False)], "one").timed is False


def test_a_chunk_that_was_faulty_in_most_nights_is_no_new_fault():
    pooled = pool([night((3,)), night((3,)), night(())], "three")
    assert pooled.variants["q4"].chunks["c003"].faulty is True
    assert claims(night((3,)), pooled)["new-faults"].details["new"] == []


def test_another_recognizer_makes_words_incomparable():
    then = Digest(**{**vars(night(run_id="then")), "recognizer": "whisper"})
    by_name = claims(night(range(40)), then)
    assert by_name["wer"].passed is by_name["fault-rate"].passed is by_name["new-faults"].passed is None


def test_nothing_judged_always_fails_the_comparison(tmp_path, monkeypatch):
    path = make_run(tmp_path)
    monkeypatch.setattr("harness.report.baseline.digest", lambda run: night(judged=False))
    assert compare_with_baseline(path, None, tmp_path, Gates(gate=False))["failed"] is True


def test_the_last_runs_are_those_that_can_be_compared(tmp_path, monkeypatch):
    """One run without a recognizer blinds no later comparison, and is counted aloud."""
    for name in ("one", "deaf", "now"):
        make_run(tmp_path, chunks=20, faulty=(2,), run_id=name)
        time.sleep(0.01)

    def taken(run, name=""):
        return replace(digest(run, name), recognizer="nobody") if run.run_id == "deaf" else digest(run, name)

    monkeypatch.setattr(baseline, "digest", taken)
    result = compare_with_baseline(tmp_path / "now", None, tmp_path, GATE)
    by_name = {claim["name"]: claim for claim in result["claims"]["last runs"] if claim["variant"] == "q4"}
    assert "in the last 1 runs" in by_name["fault-rate"]["statement"]
    assert "another recognizer" not in str(result["claims"])
    assert any(line.startswith("1 earlier runs, which were not heard by") for line in result["left_out"])


# ------------------------------------------------------------------------------------------ files and commands
def test_a_baseline_holds_what_the_run_found(tmp_path):
    path = make_run(tmp_path, faulty=(2, 5))
    promote(path, "main", tmp_path)
    kept = read_baseline("main", tmp_path)
    with Run.open(path) as run:
        fresh = digest(run, "main")
    assert kept == fresh
    assert [key for key, one in kept.variants["q4"].chunks.items() if one.faulty] == ["book-0003", "book-0006"]


def test_promote_compare_and_gate_by_command(tmp_path):
    good = make_run(tmp_path, chunks=30, faulty=(), run_id="night-1")
    runner = CliRunner()
    assert runner.invoke(main, ["baseline", "set", good.name, "--reports", str(tmp_path)]).exit_code == 0
    time.sleep(0.01)
    bad = make_run(tmp_path, chunks=30, faulty=tuple(range(12)), run_id="night-2")
    arguments = ["compare", bad.name, "--baseline", "main", "--reports", str(tmp_path)]
    reported = runner.invoke(main, arguments)
    assert reported.exit_code == 0, reported.output
    assert "FAILS q4: new-faults: 12 of 30 chunks are newly faulty against main" in reported.output
    assert "report only" in reported.output
    assert "against the last runs:" in reported.output
    limits = tmp_path / "limits.toml"
    limits.write_text("[gates]\ngate = true\n")
    assert runner.invoke(main, [*arguments, "--limits", str(limits)]).exit_code == 1
    assert json.loads((bad / "comparison.json").read_text())["failed"] is True


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[gates]\ngates = true", "unknown key 'gates' .did you mean 'gate'"),
        ("[gate]", r"unknown table \[gate\] .did you mean 'gates'"),
        ("[gates]\nslowdown = 'x'", "gates.slowdown: must be a number"),
        ("[gates]\nlevel = 95", "gates.level: must lie between 0 and 1"),
        ("[gates", "not valid TOML"),
    ],
)
def test_wrong_limits_are_one_clear_line(tmp_path, text, says):
    file = tmp_path / "limits.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says):
        Gates.load(file)


def test_a_baseline_of_another_corpus_is_refused(tmp_path):
    path = make_run(tmp_path)
    other = Digest(**{**vars(night()), "name": "old"})
    with pytest.raises(ConfigError, match="they cannot be compared"):
        compare_with_baseline(path, other, tmp_path, GATE)


def test_the_plans_own_baseline_does_not_spoil_a_night_on_another_corpus(tmp_path):
    comparison = compare_with_baseline(
        make_run(tmp_path), Digest(**{**vars(night()), "name": "old"}), tmp_path, GATE, asked=False
    )
    assert "baseline" not in comparison["claims"]
    assert "baseline 'old' is of stress on book" in comparison["left_out"][0]


def test_a_baseline_of_the_repository_is_found_from_any_reports_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CLONE", tmp_path / "repository")
    promote(make_run(tmp_path / "there"), "main", tmp_path / "repository" / "reports")
    repository = read_baseline("main", tmp_path)
    assert repository.suite == "stress"
    promote(make_run(tmp_path), "main", tmp_path)
    assert read_baseline("main", tmp_path).run_id != repository.run_id  # the folder's own comes first
    with pytest.raises(ConfigError, match=r"no baseline 'mian' .did you mean 'main'"):
        read_baseline("mian", tmp_path)


@pytest.mark.parametrize("name", ["../x", "", "a b", "x" * 65])
def test_a_baseline_cannot_be_named_out_of_its_folder(tmp_path, name):
    with pytest.raises(ConfigError):
        promote(make_run(tmp_path), name, tmp_path)
    with pytest.raises(ConfigError):
        read_baseline(name, tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", '{"schema": 1}', '{"schema": 1, "variants": 3}', '{"schema": 99}'])
def test_a_damaged_baseline_is_one_clear_line(tmp_path, text):
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "main.json").write_text(text)
    with pytest.raises(ConfigError, match=r"main\.json"):
        read_baseline("main", tmp_path)


# ------------------------------------------------------------------------------------------ trend
def nights(rates):
    return [
        TrendRun(
            f"run{i}", f"2026-01-{i + 1:02d} 03:00", None, "", "finished", "–", {"q4": {"fault_rate": (rate, 0.0, 1.0)}}
        )
        for i, rate in enumerate(rates)
    ]


def test_a_step_is_found_and_dated():
    wobble = [0.001 * (i % 3) for i in range(28)]
    (step,) = steps(nights([0.01 + w + (0.06 if i >= 14 else 0.0) for i, w in enumerate(wobble)]))
    assert (step.variant, step.figure) == ("q4", "fault_rate")
    assert abs(int(step.run_id.removeprefix("run")) - 14) <= 1
    assert step.after > step.before


def test_two_steps_are_both_found():
    levels = [0.01] * 10 + [0.05] * 10 + [0.02] * 10
    where = steps(nights([level + 0.001 * (i % 3) for i, level in enumerate(levels)]))
    assert [int(step.run_id.removeprefix("run")) for step in where] == [10, 20]


def test_chance_alone_shows_steps_about_as_rarely_as_it_says():
    import numpy as np

    from harness.report.steps import changes

    rng = np.random.default_rng(5)
    alarms = sum(bool(changes(list(rng.normal(size=20)), 0.05)) for _ in range(60))
    assert alarms <= 9  # 3 are expected; 10 or more of 60 have a probability below 0.1%


def test_no_step_is_seen_in_noise_or_in_too_few_nights():
    assert steps(nights([0.01 + 0.001 * ((i * 7) % 5) for i in range(28)])) == []
    assert steps(nights([0.0] * 4 + [0.5] * 5)) == []


def test_the_trend_page_shows_every_run_and_names_what_it_cannot_read(tmp_path):
    from harness.report import write

    hostile = "</script><img src=x onerror=alert(1)>"
    write(make_run(tmp_path, run_id="night-1"))
    write(make_run(tmp_path, run_id="night-2", names=("f16", hostile)))
    (tmp_path / "night-3").mkdir()
    (tmp_path / "night-3" / "summary.json").write_text("{")
    page = render_index(tmp_path).read_text()
    assert 'href="night-1/report.html"' in page
    assert 'href="night-2/report.html"' in page
    assert "night-3/summary.json cannot be read" in page
    assert "<img" not in page
    assert "<script" not in page


def test_overloaded_nights_have_no_speed_in_the_trend(tmp_path):
    from harness.report import write

    write(make_run(tmp_path, run_id="night-1", load=0.6))
    write(make_run(tmp_path, run_id="night-2", load=0.05))
    ((trend,), problems) = (read_trend(tmp_path)[0].values(), read_trend(tmp_path)[1])
    assert problems == []
    assert ["rtfx" in one.values["q4"] for one in trend] == [False, True]
