"""The suites beyond stress, driven through pytest on the null backend: what they run, say and write."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
    found = results(suites)["plain"]
    assert found["word"] == "bit-identical"
    assert found["arms"]["long"]["probes"] >= 2
    assert found["arms"]["threads"]["probes"] == 0
    result.assert_outcomes(passed=8, skipped=1)  # the adapter has no threads
    assert "bit-identical" in (suites.path / "reports" / "latest" / "results.md").read_text()


def test_a_variant_of_one_suite_is_in_no_other(suites):
    corpus = ("--corpus", "generated:seed=3,chunks=5")
    assert drive(suites, "ladder", "-k", "elsewhere", *corpus).ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_reference_runs_along_with_other_seeds_as_the_null(suites):
    drive(suites, "quantization", "-k", "plain", "--corpus", "generated:seed=3,chunks=5", scorers="tokens")
    assert list(results(suites)) == ["good", "good, other seeds", "plain"]


def test_crashes_from_a_length_on_are_named_by_that_length(suites):
    (suites.path / "variants.toml").write_text(
        "[variants.long]\nadapter = 'null'\n[variants.long.settings]\nseconds_per_word = 0.02\n"
        "fail = [{ kind = 'crash', chunks = ['ladder-00004-1', 'ladder-00008-1'] }]\n"
    )
    result = drive(suites, "ladder", "--corpus", "ladder:words=8")
    result.stdout.fnmatch_lines(["*from 4 words on it crashes or hangs*"])


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
