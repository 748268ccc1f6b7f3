"""The wheel, installed in an environment of its own outside the clone: the suites run, reports go where the user is."""

import importlib.util
import json
from pathlib import Path

import pytest

from tests._installed import Installed
from tests._places import ROOT
from tests._walks import write_files

PLUGIN = ROOT / "tests" / "plugin_package"

NULL = """
[variants.mine]
adapter = "null"
settings = { seconds_per_word = 0.02 }
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed (tox -e tests has it)")
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def extended(installed):
    """The environment with the package that extends the harness; made after the tests that want it without."""
    installed.install(PLUGIN)
    return installed


def summary(here: Path) -> dict:
    return json.loads((here / "reports" / "latest" / "summary.json").read_text())


def test_the_package_is_the_installed_one_and_brings_suites_corpora_and_voices(installed, tmp_path):
    code = (
        "import harness; from harness.core.paths import CLONE, CORPORA, PACKAGE, SUITES, VARIANTS, VOICES;"
        "from harness.core.variants import load_variants; from harness.corpora import builtin_names, load_corpus;"
        "print(harness.__file__); print(CLONE);"
        "print(all(p.is_relative_to(PACKAGE) and p.exists() for p in (CORPORA, SUITES, VARIANTS, VOICES)));"
        "print(len(load_variants(VARIANTS)), [len(load_corpus(name).chunks) for name in builtin_names()])"
    )
    done = installed.run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    where, clone, inside, counts = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed.folder)
    assert (clone, inside) == ("None", "True")
    assert counts.startswith("8 [369, 92, ")


def test_the_suite_runs_by_its_name_on_variants_of_the_working_directory(installed, tmp_path):
    (tmp_path / "variants.toml").write_text(NULL)
    asked = ("stress", "--chunks", "3", "--scorers", "signal", "--quiet-chunks", "0", "-k", "mine and not memory")
    done = installed.run(*asked, cwd=tmp_path, program="tts-soak")
    assert summary(tmp_path)["variants"]["mine"]["chunks"] == 3, done.stdout + done.stderr
    assert (tmp_path / "reports" / "latest" / "report.html").is_file()
    assert "rootdir: " + str(tmp_path) in done.stdout
    assert not list((installed.folder / "lib").rglob("reports"))


def test_pyargs_speaks_the_embedded_voice_that_came_along(installed, tmp_path):
    pytest.importorskip("xllamacpp", reason="the embedded voice is run by xllamacpp")
    asked = ("-m", "pytest", "--pyargs", "harness.suites.stress", "--variant", "q4_k_s", "--chunks", "3")
    less = ("--scorers", "none", "--quiet-chunks", "0", "--no-confirm", "-p", "no:cacheprovider")
    done = installed.run(*asked, *less, cwd=tmp_path)
    row = summary(tmp_path)["variants"]["q4_k_s"]
    assert row["chunks"] == 3, done.stdout + done.stderr


def test_another_projects_tests_are_left_alone(installed, tmp_path):
    (tmp_path / "limits.toml").write_text("")
    (tmp_path / "test_theirs.py").write_text(
        "import pytest\n"
        "@pytest.fixture\ndef soak():\n    return 1\n"
        "@pytest.fixture\ndef comparison():\n    return 2\n"
        "@pytest.fixture\ndef variant():\n    return 3\n"
        "def test_theirs(soak, comparison, variant):\n    assert (soak, comparison, variant) == (1, 2, 3)\n"
    )
    done = installed.run("-m", "pytest", "-q", cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_is_loaded_once_where_a_clone_is_installed_too(installed, tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["harness.plugin"]\n')
    done = installed.run("-m", "pytest", "--co", "-q", cwd=tmp_path)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr


PULSES = """
[variants.pulses]
adapter = "pulses"
"""
TEXTS = ["one two three four five six", "seven eight nine spike ten eleven", "twelve thirteen fourteen fifteen"]


@pytest.fixture(scope="module")
def spoken(extended, tmp_path_factory):
    """A folder with a run of the package's adapter, measured by its scorer and judged by its detector."""
    here = tmp_path_factory.mktemp("spoken")
    (here / "variants.toml").write_text(PULSES)
    (here / "texts.jsonl").write_text(
        "".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(TEXTS))
    )
    asked = ("stress", "--corpus", "texts.jsonl", "--scorers", "crest", "--quiet-chunks", "0", "--no-confirm")
    done = extended.run(*asked, cwd=here, program="tts-soak")
    assert (here / "reports" / "latest").exists(), done.stdout + done.stderr
    return here


def test_a_packages_adapter_scorer_and_detector_find_the_faulty_chunk(extended, spoken):
    faults = summary(spoken)["variants"]["pulses"]["faults"]
    assert faults["spiky"] == 1
    table = extended.run("table", cwd=spoken, program="tts-soak").stdout.splitlines()
    assert "crest.crest_db" in table[0]
    assert ["spiky" in line for line in table[1:]] == [False, True, False]
    assert "spiky" in (spoken / "reports" / "latest" / "report.html").read_text()
    packages = summary(spoken)["provenance"]["packages"]
    assert packages["tts-soak-example"] == "1.2.0"


def test_a_packages_exporter_normaliser_and_fault_class_are_known_by_name(extended, spoken):
    done = extended.run("export", "--to", "tally", cwd=spoken, program="tts-soak")
    assert done.stdout == "pulses: 1 of 3\n", done.stderr
    text = "from harness.text import normaliser as n; print(n('vowelless').label, '|', n('vowelless')('Seven Eight'))"
    assert extended.output("-c", text) == "vowelless/tts-soak-example 1.2.0 | svn ght\n"
    explained = extended.run("faults", "spiky", cwd=spoken, program="tts-soak").stdout
    assert "a sample that stands far above all others" in explained
    wrong = extended.run("stress", "--scorers", "crets", cwd=spoken, program="tts-soak")
    assert "unknown scorer 'crets' (did you mean 'crest'?)" in wrong.stderr + wrong.stdout


def test_a_packages_suite_speaks_claims_and_has_its_section(extended, spoken):
    write_files("pace", spoken)
    asked = ("--variants", "variants.toml", "--corpus", "texts.jsonl", "--reports", "paces", "-p", "no:cacheprovider")
    done = extended.run("-m", "pytest", "pace", *asked, cwd=spoken)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    page = (spoken / "paces" / "latest" / "report.html").read_text()
    assert "Is every text spoken at the same pace?" in page
    assert "the slowest of 3 texts takes 1.0 times as long" in page


def test_a_run_with_a_packages_fault_class_is_reported_where_the_package_is_gone(installed, spoken):
    installed.uninstall("tts-soak-example")
    done = installed.run("report", cwd=spoken, program="tts-soak")
    assert done.returncode == 0, done.stderr
    assert summary(spoken)["variants"]["pulses"]["faults"]["spiky"] == 1


@pytest.mark.parametrize(
    ("group", "name", "target", "why"),
    [
        ("detectors", "spiky", "tts_soak_broken:Absent", "cannot be loaded (AttributeError: module 'tts_soak_broken'"),
        ("detectors", "spiky", "tts_soak_gone:Spiky", "cannot be loaded (ModuleNotFoundError: No module named"),
        ("detectors", "hum", "tts_soak_broken:Thing", "the detector 'hum' is there already, from tts-soak itself"),
        ("detectors", "spiky", "tts_soak_broken:Thing", "is no detector"),
        ("adapters", "null", "tts_soak_broken:Thing", "the adapter 'null' is there already, from tts-soak itself"),
        (
            "adapters",
            "pulses",
            "tts_soak_broken:Thing",
            "is no adapter, it lacks check, load, synthesize, reset, close",
        ),
    ],
)
def test_a_broken_package_is_one_line_that_names_it(installed, tmp_path, group, name, target, why):
    source = tmp_path / "source"
    source.mkdir()
    (source / "tts_soak_broken.py").write_text("class Thing:\n    pass\n")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "tts-soak-broken"\nversion = "0.3"\n'
        f'[project.entry-points."tts_soak.{group}"]\n{name} = "{target}"\n'
        '[tool.hatch.build.targets.wheel]\ninclude = ["tts_soak_broken.py"]\n'
    )
    (tmp_path / "variants.toml").write_text(PULSES if group == "adapters" else NULL)
    installed.install(source)
    try:
        done = installed.run("stress", "--chunks", "1", "--scorers", "none", cwd=tmp_path, program="tts-soak")
    finally:
        installed.uninstall("tts-soak-broken")
    said = [line for line in (done.stdout + done.stderr).splitlines() if "tts-soak-broken" in line]
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert len(said) == 1, done.stdout + done.stderr
    assert f"package tts-soak-broken 0.3, entry point tts_soak.{group}: {name} = {target}: {why}" in said[0]
    assert "Traceback" not in done.stdout + done.stderr
