"""The wheel, installed in an environment of its own outside the clone: the suites run, reports go where the user is."""

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NULL = """
[variants.mine]
adapter = "null"
settings = { seconds_per_word = 0.02 }
"""


class Installed:
    """A fresh environment with the wheel alone; what the harness depends on is seen from this environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "environment"
        venv.create(self.folder)
        self.python = self.folder / "bin" / "python"
        packages = Path(self.output("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        # a plain line: .pth files over there (an editable installation of the clone) are not read
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        wheel = ("wheel", "-q", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
        subprocess.run([sys.executable, "-m", "pip", *wheel, "-w", str(folder), str(ROOT)], check=True)
        self.wheel = next(folder.glob("tts_soak-*.whl"))
        self.install(self.wheel)

    def install(self, what: Path) -> None:
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "-q", "--no-deps", "--no-index"]
        subprocess.run([*pip, "--no-build-isolation", "--disable-pip-version-check", str(what)], check=True)

    def run(self, *words: str, cwd: Path, program: str = "python") -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))}
        command = [str(self.folder / "bin" / program), *words]
        return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=300, check=False)

    def output(self, *words: str) -> str:
        done = self.run(*words, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed (tox -e tests has it)")
    return Installed(tmp_path_factory.mktemp("installed"))


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
