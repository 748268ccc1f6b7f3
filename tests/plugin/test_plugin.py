"""The plugin as a user meets it: pytest is driven for real, with the null backend and no scorers unless said."""

import json

import pytest

from tests._stress import stress_suite


@pytest.fixture
def suite(pytester):
    """A folder with the stress suite, the plugin, and a null variant called ``fine`` beside one that crashes."""
    return stress_suite(
        pytester,
        "[defaults]\nadapter = 'null'\n[defaults.settings]\nseconds_per_word = 0.02\n"
        "[variants.fine]\n[variants.bad]\n[variants.bad.settings]\n"
        "fail = [{ kind = 'crash', chunks = ['generated-3-00002'] }]\n",
    )


def soak(suite, *arguments, scorers="none"):
    return suite.runpytest_subprocess(
        *("suites/stress", "--variants", "variants.toml", "--reports", "reports", "--quiet-chunks", "0"),
        *("--corpus", "generated:seed=3,chunks=4", "--scorers", scorers, *arguments),
    )


def summary(suite):
    return json.loads((suite.path / "reports" / "latest" / "summary.json").read_text())


def test_a_crash_fails_its_chunk_and_the_item_says_how_to_reproduce_it(suite):
    result = soak(suite, "-k", "bad")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = result.stdout.str()
    assert "crash" in text
    assert "SIGSEGV" in text
    assert "reproduce with: pytest 'suites/stress/test_stress.py::test_chunk_is_clean[bad-generated-3-00002]'" in text
    block = text.split("bad-generated-3-00002: crash", 1)[1].split("=====")[0]
    assert block.count("\n") <= 10
    row = summary(suite)["variants"]["bad"]
    assert (row["chunks"], row["faulty"], row["faults"]) == (4, 1, {"crash": 1})
    assert row["bound_to"] == {"text": 1}
    assert row["epochs"] == 2


def test_nothing_judged_is_never_green(suite):
    result = soak(suite, "-k", "fine and test_chunk_is_clean")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["*NOTHING WAS JUDGED*"])
    assert summary(suite)["variants"]["fine"]["not_judged"] == 4


def test_k_runs_only_what_it_selects(suite):
    soak(suite, "-k", "fine")
    assert list(summary(suite)["variants"]) == ["fine"]


def test_one_item_is_a_partial_session_and_says_so(suite):
    result = soak(suite, "-k", "bad and 00002")
    result.stdout.fnmatch_lines(["partial selection*"])
    data = summary(suite)
    assert data["corpus"]["partial"] is True
    assert data["variants"]["bad"]["chunks"] == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--variants", "absent.toml"], "*absent.toml: cannot read the variants file*"),
        (["--corpus", "boook"], "*boook*did you mean 'book'*"),
        (["--scorers", "signl"], "*unknown scorer 'signl' (did you mean 'signal'?)*"),
        (["--with-reference"], "*no variant has reference = true*"),
        (["--limits", "absent.toml"], "*absent.toml: cannot read the limits file*"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_4(suite, arguments, expected):
    result = soak(suite, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (result.stderr if "ERROR" in result.stderr.str() else result.stdout).fnmatch_lines([expected])
    assert not list((suite.path / "reports").glob("2*"))


def test_an_unknown_key_of_the_adapter_is_exit_code_4(suite):
    text = "[variants.a]\nadapter='null'\n[variants.a.settings]\nsample_rat = 8000\n"
    (suite.path / "variants.toml").write_text(text)
    result = soak(suite)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'sample_rate'" in result.stdout.str() + result.stderr.str()


def test_a_selection_of_nothing_is_exit_code_5(suite):
    assert soak(suite, "-k", "no_such_variant").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_collect_only_runs_nothing(suite):
    result = soak(suite, "--collect-only", "-q")
    assert result.ret == pytest.ExitCode.OK
    assert not (suite.path / "reports").exists()


def test_xdist_is_refused_with_the_reason(suite):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed; CI installs it")
    result = soak(suite, "--numprocesses", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "it would cut the one living session" in result.stdout.str() + result.stderr.str()


def test_junit_has_one_case_a_chunk(suite):
    soak(suite, "-k", "bad and test_chunk_is_clean", "--junitxml", "junit.xml")
    xml = (suite.path / "junit.xml").read_text()
    assert xml.count("<testcase") == 4
    assert "SIGSEGV" in xml
    assert xml.count('<property name="outcome"') == 4
    assert '<property name="outcome" value="crash"' in xml


def test_a_full_summary_has_what_the_readme_names(suite):
    soak(suite, "-k", "fine")
    data = summary(suite)
    assert {"run_id", "schema_version", "provenance", "corpus", "variants"} <= set(data)
    expected = {"chunks", "clean", "faulty", "not_judged", "faults", "wer", "cer", "speaker_similarity"}
    expected |= {"rtfx", "tokens", "peak_memory_bytes", "epochs"}
    assert expected <= set(data["variants"]["fine"])


def test_in_a_github_job_the_table_is_in_its_summary_and_failures_are_annotated(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.path / "step.md"))
    result = soak(suite, "-k", "bad")
    assert "| bad |" in (suite.path / "step.md").read_text(encoding="utf-8")
    assert "::error" in result.stdout.str() or "::warning" in result.stdout.str()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--asr", "faster-whisper:/nope"), "/nope: no such folder"),
        (("--asr", "whisper:garbage.pt"), "garbage.pt is no checkpoint that openai-whisper can load"),
        (("--asr", "whisper", "--asr-device", "cuda:99"), "--asr-device cuda:99: CTranslate2 sees"),
        (("--mos=distilmos",), "--mos: unknown predictor 'distilmos' (did you mean 'distillmos'?)"),
        (("--speaker", "onnx:/nowhere/voice.onnx"), "--speaker: no such file: /nowhere/voice.onnx"),
    ],
)
def test_a_recognizer_that_cannot_be_loaded_is_refused_before_anything_is_spoken(suite, options, line):
    (suite.path / "garbage.pt").write_bytes(b"not a model")
    if options[-1].endswith(".pt"):
        options = ("--asr", f"whisper:{suite.path}/garbage.pt")
    result = soak(suite, "-k", "fine", *options, scorers="intelligibility,speaker")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert line in result.stderr.str() + result.stdout.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()
    assert not list((suite.path / "reports").glob("2*"))
