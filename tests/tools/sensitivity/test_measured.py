"""Healthy voices, measured once: what is kept is enough to fit on, and only what is out of date is scored again."""

from __future__ import annotations

import json

import soundfile

from harness.experiments.sensitivity import Trials
from harness.verdicts import Limits, Priors, VerdictPolicy
from tests._clips import speak
from tools.sensitivity.measured import from_folders, measure_into, voices_in
from tools.sensitivity.priors import fit

SCORERS = frozenset({"signal", "pitch"})


def folder_of_clips(path, count=3):
    path.mkdir()
    for number in range(count):
        soundfile.write(path / f"c{number}.wav", speak(16000, words=4 + number), 16000)
    lines = [f"c{number}|{'word ' * (4 + number)}" for number in range(count)]
    (path / "metadata.csv").write_text("\n".join(lines) + "\n")
    return path


def measure(work, clips):
    trials = Trials(VerdictPolicy(Limits.default(Priors())), {name: {} for name in SCORERS})
    return list(measure_into(work, from_folders({clips: "en"}), trials, SCORERS))


def test_a_voice_is_scored_once_and_again_only_by_a_scorer_that_has_changed(tmp_path):
    clips, work = folder_of_clips(tmp_path / "engine-voice"), tmp_path / "work"
    work.mkdir()
    assert measure(work, clips) == ["engine-voice"]
    assert measure(work, clips) == []
    path = work / "engine-voice.json"
    rows = json.loads(path.read_text())
    for row in rows["chunks"]:
        row["measurements"]["pitch"]["version"] = "0"
        row["measurements"]["signal"]["payload"]["duration"] = 1.25  # not asked again: it stays
    path.write_text(json.dumps(rows))
    assert measure(work, clips) == ["engine-voice"]
    for row in json.loads(path.read_text())["chunks"]:
        assert row["measurements"]["pitch"]["version"] != "0"
        assert row["measurements"]["signal"]["payload"]["duration"] == 1.25


def test_priors_are_fitted_on_what_was_kept_and_without_an_engine_that_is_named(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    for name in ("one-voice", "two-voice"):
        measure(work, folder_of_clips(tmp_path / name))
    voices = voices_in(work)
    assert [voice.engine for voice in voices] == ["one", "two"]
    assert dict(fit(voices).voices) == {"one-voice": 3, "two-voice": 3}
    assert dict(fit(voices, ["two"]).voices) == {"one-voice": 3}
    assert fit(voices).detectors["level-offset"].chunks == 6
