"""Parity through the command line and pytest: the embedded voice's decoder in torch, in ONNX, and with a half phase."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.store import Run
from tests._places import ROOT

CODEC = ROOT / "voices" / "duo" / "codec.npz"
needs_codec = pytest.mark.skipif(not CODEC.is_file(), reason=f"the codebooks {CODEC} are not there")


def tts_soak(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "harness.cli",
        "parity",
        *arguments,
        "--reports",
        str(folder / "runs"),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def results(folder: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((folder / "runs" / "latest" / "results.json").read_text())
    return stored["pairs"]


DECODER = ("tools.voice.parity:torch_fp32", "--phase", "phase=1", "--rate", "16000")


@needs_codec
def test_the_half_phase_is_found_and_named_at_the_cumulative_sum(tmp_path: Path) -> None:
    done = tts_soak(
        tmp_path, DECODER[0], "tools.voice.parity:torch_fp16_phase", *DECODER[1:], "--bucket", "4", "--bucket", "64"
    )
    assert done.returncode == 1, done.stderr
    rows = results(tmp_path)
    for name in ("parity-4", "parity-64"):
        assert rows[name]["first"] == "phase" and rows[name]["born"] is True
        assert f"**{name}**: stage 'phase' (3 of 6) is the first outside of its tolerance" in done.stdout
    by_name = {name: {stage["name"]: stage for stage in row["stages"]} for name, row in rows.items()}
    for stages in by_name.values():
        assert stages["parameters"]["error"] == stages["filter"]["error"] == 0.0
        assert stages["source"]["problem"] and stages["waveform"]["problem"]
    # the longer the sum has run, the coarser the steps of half precision
    assert by_name["parity-64"]["phase"]["error"] > 5 * by_name["parity-4"]["phase"]["error"]
    with Run.open(tmp_path / "runs" / "latest") as run:
        claims = {(claim.variant, claim.name): claim for claim in run.claims()}
    assert claims["parity-64", "stages"].passed is False and claims["parity-64", "end-to-end"].passed is False
    assert claims["parity-64", "stages"].details["first"] == "phase"
    report = (tmp_path / "runs" / "latest" / "report.html").read_text(encoding="utf-8")
    assert "parity-64" in report and "is the first outside of its tolerance" in report


@needs_codec
def test_onnx_is_on_par_with_torch_at_every_bucket(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="exporting needs the onnx package")
    pytest.importorskip("onnxruntime", reason="running the export needs onnxruntime")
    done = tts_soak(
        tmp_path, DECODER[0], "tools.voice.parity:onnx_fp32", *DECODER[1:], "--bucket", "4", "--bucket", "64"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    rows = results(tmp_path)
    assert [row["bucket"] for row in rows.values()] == [4, 64]
    for row in rows.values():
        assert row["first"] is None and [stage["name"] for stage in row["stages"]] == [
            "codes", "parameters", "phase", "source", "filter", "waveform",
        ]  # fmt: skip
        assert row["ends"]["log_mel_cosine"] > 0.9999
        for speed in row["speed"].values():
            assert speed["cold_rtfx"] > 0 and speed["warm_rtfx"] > 0


def test_mistakes_are_one_line_and_dumps_need_no_callable(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", mel=np.ones((80, 4)), waveform=np.ones(8))
    done = tts_soak(tmp_path, str(tmp_path / "a.npz"), str(tmp_path / "b.npz"))
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].endswith("b.npz: no such dump (did you mean 'a.npz'?)")
    assert "Traceback" not in done.stderr
    assert tts_soak(tmp_path, str(tmp_path / "a.npz"), str(tmp_path / "a.npz")).returncode == 0
    wrong = tts_soak(tmp_path, "a", "b", "--phase", "phase:1")
    assert wrong.returncode == 4 and "must be STAGE=TURN" in wrong.stderr


# ------------------------------------------------------------------------------------------- the suite
@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """The suite with two dumps as a pair, and variants of the null backend: one like the reference, one not."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    folder = pytester.path / "suites" / "parity"
    folder.mkdir(parents=True)
    (folder / "test_parity.py").write_text((ROOT / "suites" / "parity" / "test_parity.py").read_text())
    rng = np.random.default_rng(0)
    for bucket in (32, 512):
        values = rng.normal(0, 1, (4, bucket))
        np.savez(pytester.path / f"torch-{bucket}.npz", text=values, mel=values)
        np.savez(pytester.path / f"core-{bucket}.npz", text=values, mel=values * (1.0 if bucket == 32 else 0.5))
    (folder / "limits.toml").write_text(
        "[parity.pairs.core]\nreference = 'torch-{bucket}.npz'\ncandidate = 'core-{bucket}.npz'\nbuckets = [32, 512]\n"
    )
    (pytester.path / "variants.toml").write_text(
        "[defaults]\nadapter = 'null'\nsettings = { mode = 'speechlike', seconds_per_word = 0.3 }\n"
        "[variants.fp32]\nreference = true\n[variants.twin]\n"
        "[variants.hushed]\nsettings = { fail = [{ kind = 'silence' }] }\n"
    )
    return pytester


def drive(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_subprocess(
        *("suites/parity", "--variants", "variants.toml", "--reports", "reports", "--scorers", "none"),
        *("--corpus", "generated:seed=3,chunks=3", "-rs", *arguments),
    )


def test_every_bucket_is_a_test_of_its_own_and_only_the_chosen_are_compared(suite: pytest.Pytester) -> None:
    result = drive(suite, "-k", "core")
    result.assert_outcomes(passed=1, failed=1, skipped=2)  # the dumps hold no sound
    result.stdout.fnmatch_lines(["*stage 'mel' (2 of 2) is the first outside of its tolerance: RMS ratio 0.5000*"])
    only = drive(suite, "-k", "core-32 and stage")
    only.assert_outcomes(passed=1)
    rows = json.loads((suite.path / "reports" / "latest" / "results.json").read_text())
    assert list(rows["pairs"]) == ["core-32"] and not rows["variants"]


def test_variants_are_a_table_of_placement_and_speed_cold_and_warm(suite: pytest.Pytester) -> None:
    with (suite.path / "variants.toml").open("a") as file:
        file.write("[variants.slow]\nsettings = { delay = 0.2 }\n")
    result = drive(suite, "-k", "twin or hushed or slow")
    result.assert_outcomes(passed=2, failed=1, skipped=3)  # no encoder was asked for, so no speaker was judged
    result.stdout.fnmatch_lines(["*3 chunks sound the same end to end*"])
    rows = json.loads((suite.path / "reports" / "latest" / "results.json").read_text())["variants"]
    assert list(rows) == ["fp32", "twin", "hushed", "slow"]
    for row in rows.values():
        assert row["requests"] == 3 and row["cold_rtfx"] > 0 and row["warm_rtfx"] > 0
    assert rows["slow"]["cold_seconds"] >= 0.2 and not rows["fp32"]["ends"]
    text = (suite.path / "reports" / "latest" / "results.md").read_text()
    assert "| variant | placement | requests | RTFx cold | warm |" in text


def test_a_wrong_pair_is_refused_before_anything_runs(suite: pytest.Pytester) -> None:
    (suite.path / "suites" / "parity" / "limits.toml").write_text("[parity.pairs.core]\nreferense = 'x'\n")
    result = drive(suite, "-k", "core")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'reference'" in result.stdout.str() + result.stderr.str()
