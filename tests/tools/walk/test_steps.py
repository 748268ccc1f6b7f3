"""The stranger's walk: what it counts as arrived."""

import subprocess

from tests._places import ROOT
from tools.walk.__main__ import _failed, _understood
from tools.walk.steps import Step, Walk, table


def test_a_clone_and_a_preset_are_two_commands(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path / "empty")], check=True)
    walk = Walk(tmp_path)
    walk.clone(tmp_path / "empty")
    (walk.home / "harness").symlink_to(ROOT / "harness")
    walk.variants("espeak-ng", ())
    assert [step.fine for step in walk.steps] == [True, True]
    assert "[variants.espeak-ng]" in (walk.home / "mine.toml").read_text()
    walk.variants("espeak", ())  # there is no such preset
    assert walk.steps[-1].fine is False and _failed(walk.steps)
    assert _understood(walk) == []  # nothing was soaked
    assert "| variants file |" in table(walk.steps) and "FAILED (4)" in table(walk.steps)


def test_faults_are_an_arrival_and_a_harness_error_is_none():
    assert not _failed([Step("soak", 1.0, 1, True)])
    assert _failed([Step("soak", 1.0, 3, False)])
