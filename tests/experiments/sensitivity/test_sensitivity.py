"""What would have been noticed: trials, their figures, and the suite on the null backend (a sample of ten classes)."""

import json
from dataclasses import replace

import numpy as np
import pytest

from harness import stats
from harness.core.records import Attempt, Chunk, Variant
from harness.detectors import catalogue
from harness.detectors.base import CannotInject, InjectionPoint, Injector
from harness.experiments.sensitivity import Trials, Twin, copies, recall_rows
from harness.experiments.sensitivity.claims import recall_claims
from harness.experiments.sensitivity.copies import TrialSetting, attempt_all, copies_of
from harness.experiments.sensitivity.figures import alarms, found_dose, from_json, recall_rows_json
from harness.experiments.sensitivity.settings import SensitivitySettings
from harness.experiments.sensitivity.table import alarm_table, dose_table, recall_table
from harness.experiments.sensitivity.trial import InjectionTrial, TrialOutcome
from harness.verdicts import Limits, VerdictPolicy
from tests._clips import speak
from tests._places import ROOT

TEN = "silence,near-empty,nan-inf,clipping,double-scaling,short-repeat,noise,hum,internal-silence,token-range"
TEXT = "a man and a plan for the canal that ran on and on"


@pytest.fixture(scope="module")
def trials():
    # The stand-in for a voice fades between its vowels as evenly as lost packets do, so dropouts are not looked for.
    limits = {name: one for name, one in Limits.default().faults.items() if name != "dropouts"}
    return Trials(VerdictPolicy(Limits(limits)), {"signal": {}, "pitch": {}, "tokens": {}}, seed=4)


@pytest.fixture(scope="module")
def twin(trials):
    samples = speak(24000, words=14, seed=3)
    chunk, variant = Chunk("c", TEXT), Variant("v", "null")
    attempt = Attempt(0, 0, 0, "c", "v", sample_rate=24000, duration=len(samples) / 24000)
    bare = Twin(chunk, attempt, samples, 24000, {}, variant, "formants")
    return replace(bare, observations=trials.score(bare, frozenset({"signal", "pitch"})))


def injector(fault, label=""):
    return next(i for i in catalogue()[fault].injectors if i.name == label)


def test_a_clean_twin_raises_no_alarm_and_its_copies_are_found_by_name(trials, twin):
    assert trials.clean(twin) == ()
    for name in ("short-repeat", "nan-inf", "double-scaling", "hum"):
        preset = injector(name).preset
        assert trials.run(twin, catalogue()[name], injector(name), preset).answer is TrialOutcome.FOUND, name


def test_the_same_seed_tries_the_same_and_leaves_the_twin_alone(trials, twin):
    before = twin.samples.copy()
    fault, how = catalogue()["click"], injector("click")
    assert trials.run(twin, fault, how, -6.0) == trials.run(twin, fault, how, -6.0)
    np.testing.assert_array_equal(twin.samples, before)


def test_a_harmless_dose_is_missed_and_a_clip_without_room_is_not_counted(trials, twin):
    fault = catalogue()["clipping"]
    assert trials.run(twin, fault, injector("clipping"), 1e-5).answer is TrialOutcome.MISSED
    tried = trials.run(twin, catalogue()["token-loop"], injector("token-loop"), 80.0)
    assert tried.answer is TrialOutcome.NO_ROOM and "no tokens" in tried.reason
    (row,) = recall_rows([tried])
    assert (row.count, row.no_room, row.recall) == (0, 1, None)


def test_what_was_there_before_is_no_merit(trials, twin):
    fault, how = catalogue()["double-scaling"], injector("double-scaling")
    again = trials.run(twin, fault, how, how.preset, known=("double-scaling",))
    assert again.answer is TrialOutcome.NO_ROOM and "already" in again.reason
    fresh = trials.run(twin, fault, how, how.preset)
    assert "clipping" in fresh.names
    assert "clipping" not in trials.run(twin, fault, how, how.preset, known=("clipping",)).names


def test_copies_are_made_of_clips_in_which_nothing_was_found(trials, twin):
    broken = replace(twin, chunk=Chunk("broken", TEXT))
    table = SensitivitySettings(clips=1, clips_doses=0, classes=("silence", "clipping"))
    tried = attempt_all(trials, copies_of(trials, [(broken, ("near-empty",)), (twin, ())], table))
    assert len(tried) == 2 and all(one.twin.endswith(" c") for one in tried)


def test_copies_spread_over_processes_get_the_same_answers_in_the_same_order(trials, twin, monkeypatch):
    monkeypatch.setattr(copies, "usable_cores", lambda: 2)
    monkeypatch.setattr(copies, "LEAST_A_PROCESS", 2)
    table = SensitivitySettings(clips=2, clips_doses=0, classes=("silence", "clipping"))
    clips = copies_of(trials, [(twin, ()), (replace(twin, chunk=Chunk("d", TEXT + " again")), ())], table)
    scorers = {"signal": {}, "pitch": {}, "tokens": {}}
    setting = TrialSetting(twin.variant, trials.judge.limits, scorers, 4)
    shown: list[tuple[int, int]] = []
    spread = attempt_all(trials, clips, tick=lambda _, done, total: shown.append((done, total)), setting=setting)
    assert spread == attempt_all(trials, clips) and len(spread) == 4
    assert shown == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_only_what_the_class_rests_on_is_scored_again(twin):
    class Deaf(Trials):
        def score(self, twin, names):
            assert names == {"signal"}
            return super().score(twin, names)

    deaf = Deaf(VerdictPolicy(Limits.default()), {"signal": {}, "intelligibility": {}, "edit_likelihood": {}})
    assert deaf.run(twin, catalogue()["silence"], injector("silence"), 80.0).answer is TrialOutcome.FOUND


def test_words_need_times(trials, twin):
    tried = trials.run(twin, catalogue()["loop"], injector("loop"), 2.0)
    assert tried.answer is TrialOutcome.NO_ROOM and "times of the words" in tried.reason
    told = replace(twin, attempt=replace(twin.attempt, notes={"words": [["a", 0.1, 0.2], ["man", 0.2, 0.5]]}))
    assert told.material(needs_words=True).words == (("a", 0.1, 0.2), ("man", 0.2, 0.5))
    with pytest.raises(CannotInject):
        twin.material(needs_words=True)


# ------------------------------------------------------------------------------------------------- figures
def tried(fault, dose, found, missed, otherwise=0, not_judged=0):
    counts = {
        TrialOutcome.FOUND: found,
        TrialOutcome.MISSED: missed,
        TrialOutcome.OTHERWISE: otherwise,
        TrialOutcome.NOT_JUDGED: not_judged,
    }
    return [InjectionTrial(fault, fault, dose, "t", answer) for answer, n in counts.items() for _ in range(n)]


def test_intervals_are_exact_and_what_cannot_be_judged_is_not_found():
    (row,) = recall_rows(tried("silence", 80.0, 70, 0, 1, 2))
    assert (row.count, row.named, row.found, row.not_judged, row.preset) == (73, 70, 71, 2, True)
    assert (row.low, row.high) == stats.clopper_pearson(70, 73, 0.95)
    (full,) = recall_rows(tried("silence", 80.0, 73, 0))
    assert full.low >= 0.95, "73 of 73 bound recall at 95%"


def test_the_dose_found_ninety_percent_of_the_time_lies_between_its_neighbours():
    rows = recall_rows(tried("silence", 30.0, 0, 20) + tried("silence", 60.0, 20, 0) + tried("silence", 80.0, 20, 0))
    edge = found_dose(rows)
    assert edge is not None and 30.0 < edge < 60.0
    assert found_dose(recall_rows(tried("silence", 30.0, 20, 0))) == 30.0
    assert found_dose(recall_rows(tried("silence", 30.0, 5, 15))) is None


def test_rows_survive_json_and_are_shown_with_their_counts():
    rows = recall_rows(tried("silence", 80.0, 73, 0) + tried("click", -6.0, 10, 10))
    assert from_json(json.loads(json.dumps(recall_rows_json(rows)))) == rows
    shown = "\n".join([*recall_table(rows), *dose_table(rows)])
    assert "| silence |  | 80 dB quieter | 73 of 73 | 0.95 to 1.00 |" in shown
    assert "-6: 10/20" in shown


def test_claims_fail_only_where_the_whole_interval_says_so():
    good, open_, bad = tried("silence", 80.0, 73, 0), tried("click", -6.0, 20, 0), tried("hum", 40.0, 40, 40)
    clean = {"v": [()] * 1000}
    assert [c.passed for c in recall_claims("v", recall_rows(good), clean, 0.95, 0.004)] == [True, True]
    recall, _ = recall_claims("v", recall_rows(good + open_), clean, 0.95, 0.004)
    assert recall.passed is None and "click 20 of 20" in recall.statement
    recall, noisy = recall_claims("v", recall_rows(good + bad), {"v": [()] * 90 + [("click",)] * 10}, 0.95, 0.004)
    assert recall.passed is False and noisy.passed is False
    assert "10 of 100" in noisy.statement and "click 10" in noisy.statement


def test_alarms_count_clips_and_classes():
    rates = alarms({"a": [(), ("click", "noise")], "b": [("click",)]})
    assert rates["all"]["clips"] == 3 and rates["all"]["alarmed"] == 2
    assert rates["all"]["classes"] == {"click": 2, "noise": 1}
    assert "| b | 1 | 1 | 1000.0 |" in "\n".join(alarm_table(rates))


# ------------------------------------------------------------------------------------------------- the suite
@pytest.fixture
def suite(pytester):
    """The suite with a null backend that sounds like speech, and ten classes."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    folder = pytester.path / "suites" / "sensitivity"
    folder.mkdir(parents=True)
    for file in (ROOT / "suites" / "sensitivity").glob("*.*"):
        text = file.read_text(encoding="utf-8")
        few = (
            text.replace("clips = 80 ", "clips = 4 ")
            .replace("clips_heard = 80", "clips_heard = 4")
            .replace("clips_doses = 20", "clips_doses = 1")
        )
        few = few.replace("classes = []", f"classes = {json.dumps(TEN.split(','))}")
        (folder / file.name).write_text(few, encoding="utf-8")
    (pytester.path / "variants.toml").write_text(
        "[variants.v]\nadapter = 'null'\n"
        "[variants.v.settings]\nmode = 'speechlike'\ntokens = true\nseconds_per_word = 0.3\n"
    )
    return pytester


def test_ten_classes_through_pytest(suite):
    result = suite.runpytest_subprocess(
        *("suites/sensitivity", "--variants", "variants.toml", "--reports", "reports"),
        *("--scorers", "signal,pitch,tokens", "--corpus", "generated:seed=3,chunks=6", "-rs"),
    )
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    results = json.loads((suite.path / "reports" / "latest" / "results.json").read_text())["v"]
    rows = {(r["fault"], r["injector"], r["dose"]): r for r in results["rows"]}
    preset = {r["fault"]: r for r in results["rows"] if r["preset"] and r["injector"] == r["fault"]}
    assert set(preset) == set(TEN.split(","))
    for name, row in preset.items():
        assert row["named"] == row["count"] > 0, (name, row)
    assert rows[("silence", "silence", 30.0)]["named"] == 0, "30 dB quieter is quiet, not silent"
    table = (suite.path / "reports" / "latest" / "results.md").read_text()
    assert "| short-repeat |" in table and "not fitted on this voice" in table


def test_a_wrong_key_or_class_is_one_line(suite):
    limits = suite.path / "suites" / "sensitivity" / "limits.toml"
    limits.write_text('[sensitivity]\nclasses = ["clik"]\n')
    result = suite.runpytest_subprocess(
        "suites/sensitivity", "--variants", "variants.toml", "--scorers", "signal", "--corpus", "generated:chunks=2"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'click'" in result.stdout.str() + result.stderr.str()


def test_injectors_of_one_class_have_names_of_their_own():
    for name, fault in catalogue().items():
        labels = [i.name or name for i in fault.injectors]
        assert len(labels) == len(set(labels)), name
        assert isinstance(fault.injectors[0], Injector) and fault.injectors[0].stage in InjectionPoint


# ------------------------------------------------------------------------------------------------- the command
@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """The command with --calibrate on the null backend: its output, and the folder with everything it wrote."""
    folder = tmp_path_factory.mktemp("calibrated")
    (folder / "v.toml").write_text(
        "[variants.v]\nadapter = 'null'\n[variants.v.settings]\nmode = 'speechlike'\nseconds_per_word = 0.05\n"
    )
    asked = ["--corpus", "generated:seed=3,chunks=12", "--takes", "21", "--clips", "2", "--clips-doses", "0"]
    return run_command(folder, "--calibrate", *asked), folder


def run_command(folder, *arguments):
    from click.testing import CliRunner

    from harness.cli import main

    fixed = ["sensitivity", "v", "--variants", str(folder / "v.toml"), "--reports", str(folder / "reports")]
    return CliRunner().invoke(main, [*fixed, "--scorers", "signal", "--classes", "silence,nan-inf", *arguments])


def test_calibrate_fits_on_texts_that_are_not_in_the_figures(calibrated):
    result, folder = calibrated
    assert result.exit_code == 0, result.output
    limits = Limits.load(folder / "v.calibration.json")
    assert limits.fitted["takes"] == 126 and limits.fitted["texts"] == 6 and limits.fitted["budget"] == 0.004
    results = json.loads((folder / "reports" / "latest" / "results.json").read_text())["v"]
    assert results["texts"] == 6 and "126 takes of 6 other texts" in results["limits"]
    assert results["limits_key"] == limits.key
    assert {row["fault"] for row in results["rows"]} == {"silence", "nan-inf"}


def test_a_run_that_was_spoken_before_is_taken_as_it_is(calibrated):
    _, folder = calibrated
    run = (folder / "reports" / "latest").resolve()
    before = (run / "journal.sqlite").read_bytes()
    result = run_command(folder, "--from", run.name, "--clips", "3", "--clips-doses", "0")
    assert result.exit_code == 0, result.output
    assert "| nan-inf |" in result.output
    results = json.loads((run / "sensitivity.json").read_text())["v"]
    assert results["texts"] == 12 and all(row["count"] <= 3 for row in results["rows"])
    assert (run / "journal.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--corpus", "book"), "--corpus: run"),
        (("--asr", "whisper"), "--asr: run"),
        (("--scorers", "signal,pitch"), "was not scored by 'pitch'"),
    ],
)
def test_what_a_run_has_decided_is_refused_instead_of_ignored(calibrated, option, told):
    _, folder = calibrated
    run = (folder / "reports" / "latest").resolve()
    result = run_command(folder, "--from", run.name, *option)
    assert result.exit_code == 4 and told in result.output, result.output


def test_a_run_without_the_variant_is_one_line(calibrated):
    _, folder = calibrated
    text = (folder / "v.toml").read_text().replace("variants.v", "variants.w") + "\n[variants.v]\nadapter = 'null'\n"
    (folder / "v.toml").write_text(text)
    run = (folder / "reports" / "latest").resolve()
    from click.testing import CliRunner

    from harness.cli import main

    asked = ["sensitivity", "w", "--variants", str(folder / "v.toml"), "--reports", str(folder / "reports")]
    result = CliRunner().invoke(main, [*asked, "--from", run.name])
    assert result.exit_code != 0 and "holds no speech of w" in result.output
