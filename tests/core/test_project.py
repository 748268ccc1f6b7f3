"""[tool.tts-soak] in pyproject.toml: defaults of options, for pytest and for the command line; and completion."""

import re
import subprocess
import sys

import pytest

from harness.core.project import PROJECT_KEYS

VARIANTS = '[variants.mine]\nadapter = "null"\nsettings = { seconds_per_word = 0.02 }\n'


@pytest.fixture
def project(pytester):
    """A project with a table of defaults, variants beside it, and a suite; commands are given in a folder below it."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    (pytester.path / "mine.toml").write_text(VARIANTS)
    below = pytester.mkdir("suite")
    (below / "limits.toml").write_text("")
    (below / "test_own.py").write_text("def test_clean(soak, chunk):\n    soak.check(chunk)\n")

    def collected(table, *arguments):
        (pytester.path / "pyproject.toml").write_text(f"[tool.tts-soak]\n{table}")
        return pytester.runpytest_inprocess("suite", "--collect-only", "-q", *arguments)

    return collected


def test_defaults_are_taken_and_the_command_line_stands_above_them(project):
    table = 'variants = "mine.toml"\nchunks = 2\ncorpus = "generated:seed=3,chunks=9"\n'
    assert project(table).stdout.str().count("mine-generated-3") == 2
    assert project(table, "--chunks", "4").stdout.str().count("mine-generated-3") == 4
    assert project(table, "--chunks=3").stdout.str().count("mine-generated-3") == 3


def test_addopts_of_pytest_stand_above_them_too(project, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--chunks 1")
    assert project('variants = "mine.toml"\nchunks = 2\n').stdout.str().count("mine-book") == 1


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("chunk = 2", "tool.tts-soak: unknown key 'chunk' (did you mean 'chunks'?)"),
        ('chunks = "many"', "tool.tts-soak.chunks: must be a number, is 'many'"),
        ("chunks = 0", "tool.tts-soak.chunks: '0' is no count: it must be a whole number from 1 on"),
        ("no-confirm = 1", "tool.tts-soak.no-confirm: must be true or false, is 1"),
        ("variant = 3", "tool.tts-soak.variant: must be a name or a list of names, is 3"),
        ("asr = true", "tool.tts-soak.asr: must be a text, is True"),
        ('resume = "latest"', "tool.tts-soak: unknown key 'resume'"),
    ],
)
def test_a_wrong_table_is_one_line_and_exit_code_4(project, table, line):
    result = project(table)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [text for text in result.stderr.lines if line in text]
    assert len(lines) == 1, result.stderr.str()
    assert "pyproject.toml: " in lines[0]


def test_every_key_is_an_option_of_pytest(pytestconfig):
    for key in PROJECT_KEYS:
        assert hasattr(pytestconfig.option, key.replace("-", "_")), key


def test_commands_take_them_too(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.tts-soak]\nreports = "elsewhere"\n')
    below = tmp_path / "below"
    below.mkdir()
    command = [sys.executable, "-m", "harness.cli", "runs"]
    done = subprocess.run(command, cwd=below, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"0 runs, 0.0 MB in {tmp_path / 'elsewhere'}\n"
    (tmp_path / "pyproject.toml").write_text('[tool.tts-soak]\nreprots = "elsewhere"\n')
    done = subprocess.run(command, cwd=below, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4
    assert done.stderr.endswith("tool.tts-soak: unknown key 'reprots' (did you mean 'reports'?)\n")


def test_the_shell_completes_commands_runs_and_exporters(tmp_path, monkeypatch):
    from click.shell_completion import BashComplete

    from harness.cli import main

    run = tmp_path / "reports" / "20260101T000000Z-abc123"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    shell = BashComplete(main, {}, "tts-soak", "_TTS_SOAK_COMPLETE")
    assert [one.value for one in shell.get_completions([], "str")] == ["stress"]
    assert [one.value for one in shell.get_completions(["table"], "2026")] == [run.name]
    assert [one.value for one in shell.get_completions(["export", "--to"], "prom")] == ["prometheus"]
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "completion", "bash"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert re.search(r"_TTS_SOAK_COMPLETE=bash_complete", done.stdout)
