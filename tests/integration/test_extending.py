"""The walks of docs/extending.md, followed to the letter: their files are written, their edits made in a copy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests._places import ROOT
from tests._report_run import make_run
from tests._walks import make_edits, write_files

VARIANTS = """
[variants.mine]
adapter = "null"
settings = { seconds_per_word = 0.02 }
"""


def test_a_folder_of_tests_and_limits_is_a_suite_with_margins_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("pytest_plugins = ['harness.plugin']")
    (pytester.path / "variants.toml").write_text(VARIANTS)
    write_files("calls", pytester.path)
    asked = ("--variants", "variants.toml", "--chunks", "3", "--scorers", "none", "--quiet-chunks", "0")
    result = pytester.runpytest_subprocess("calls", *asked)
    result.assert_outcomes(skipped=3, failed=1)  # without a scorer nothing is judged, and nothing is claimed
    manifest = json.loads((pytester.path / "reports" / "latest" / "manifest.json").read_text())
    assert manifest["suite"] == "calls"
    assert manifest["margins"]["fault-rate"]["absolute_max"] == 0.01


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the harness that may be changed."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "harness", folder / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def command(clone: Path, *words: str) -> str:
    """Return what ``tts-soak`` of the copy prints."""
    here = {**os.environ, "PYTHONPATH": str(clone)}
    call = [sys.executable, "-m", "harness.cli", *words]
    return subprocess.run(call, cwd=clone, env=here, capture_output=True, text=True, check=True, timeout=300).stdout


def test_the_edits_of_a_column_put_it_into_the_report_and_the_summary(clone: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert len(make_edits(clone)) == 4
    command(clone, "report", run.name, "--reports", str(run.parent))
    figures = json.loads((run / "summary.json").read_text())["variants"]
    page = (run / "report.html").read_text()
    heads, body = re.findall(r'<table class="verdicts">\s*<thead>(.*?)</thead>\s*<tbody>(.*?)</tbody>', page, re.S)[0]
    assert re.findall(r'<th scope="col"[^>]*>(\w+)', heads)[-1] == "slowest"
    for name, row in figures.items():
        cells = re.search(rf'<th scope="row">{name}.*?</tr>', body, re.S)
        assert cells is not None
        assert f'<td data-label="slowest">{row["slowest_seconds"]:.1f}</td>' in cells.group()


def test_a_fault_class_for_all_is_the_same_file_in_the_folder_of_the_detectors(clone: Path) -> None:
    source = ROOT / "tests" / "plugin_package" / "tts_soak_example" / "detector.py"
    shutil.copy(source, clone / "harness" / "detectors" / "spiky.py")
    assert "a sample that stands far above all others" in command(clone, "faults", "spiky")


def test_a_suite_for_all_is_a_folder_of_the_experiments(clone: Path) -> None:
    folder = clone / "harness" / "experiments" / "pace"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    text = (ROOT / "tests" / "plugin_package" / "tts_soak_example" / "suite.py").read_text()
    (folder / "suite.py").write_text(text.replace("tts_soak_example.suite:", "harness.experiments.pace.suite:"))
    write_files("pace", clone)
    (clone / "variants.toml").write_text(VARIANTS)
    (clone / "conftest.py").write_text('pytest_plugins = ["harness.plugin"]\n')
    asked = ("--variants", "variants.toml", "--corpus", "generated:seed=1,chunks=3", "--scorers", "none")
    here = {**os.environ, "PYTHONPATH": str(clone)}
    call = [sys.executable, "-m", "pytest", "pace", *asked, "-p", "no:cacheprovider"]
    done = subprocess.run(call, cwd=clone, env=here, capture_output=True, text=True, timeout=300)
    assert (clone / "reports" / "latest").exists(), done.stdout + done.stderr
    claims = json.loads((clone / "reports" / "latest" / "summary.json").read_text())["variants"]["mine"]["claims"]
    assert [(claim["name"], claim["count"]) for claim in claims] == [("even-pace", 3)]
