"""StyleTTS2 in Core ML: the script's stage lines, its two WAVs, and its failures that end with exit code 0."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.records import Outcome, Variant
from harness.corpora import load_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.experiments.parity.run import plan_of_pair, run_parity
from harness.store import Run
from tests._systems import TEXT, judged, names, program, seen, speak, variant


@pytest.fixture
def parity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Variant:
    """``uv run python scripts/99_parity_check.py`` with a ``uv`` that runs the stand-in instead."""
    script = Path(program(tmp_path, "styletts2_parity.py"))
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(
        f'#!/bin/sh\n[ "$1 $2 $3" = "run python scripts/99_parity_check.py" ] || exit 64\nshift 3\nexec {script} "$@"\n'
    )
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    reference = str(tmp_path / "reference.wav")
    return variant(tmp_path, "styletts2-parity", folder=str(tmp_path), reference=reference, out=str(tmp_path / "out"))


def test_stage_cosines_and_frames_come_with_the_core_ml_audio(parity: Variant, tmp_path: Path) -> None:
    (reply,) = speak(parity, tmp_path, [TEXT])
    assert reply.outcome is Outcome.OK and reply.samples is not None and reply.sample_rate == 24000
    assert reply.token_count is not None and len(reply.samples) == reply.token_count * 600 - 50
    assert reply.notes["t_en_cosine"] == reply.notes["f0_cosine"] == 0.999987
    assert reply.notes["waveform_cosine"] > 0.999 and reply.notes["waveform_difference"] < 1e-2


def test_a_stage_that_fails_with_exit_0_is_an_error_and_the_old_file_no_answer(
    parity: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.txt").write_text("Not this one.")
    monkeypatch.setenv("STANDIN_FAIL", "stage")
    monkeypatch.setenv("STANDIN_TEXTS", str(tmp_path / "bad.txt"))
    good, bad = speak(parity, tmp_path, [TEXT, "Not this one."])
    assert good.outcome is Outcome.OK
    assert bad.outcome is Outcome.ERROR and "Stage D failed" in bad.detail and bad.samples is None


def test_silent_output_is_found_though_the_stages_are_near_one(
    parity: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "silent")
    (reply,) = speak(parity, tmp_path, [TEXT])
    assert reply.notes["f0_cosine"] > 0.9999
    assert reply.notes["waveform_cosine"] == "nan"  # evidence, kept as it was printed
    assert "silence" in names(judged(seen(parity, reply, TEXT)))


# ------------------------------------------------------------------------------------ the script's dumps through parity
STAGES = ("t_en", "bert", "duration", "F0", "N", "decoder")
BUCKETS = (32, 64, 128, 256, 512)


def _dumps(folder: Path, side: str, change: Callable[[str, np.ndarray], np.ndarray]) -> None:
    """A dump a bucket, in Core ML's layout on one side: (1, T, C) against (1, C, T)."""
    for bucket in BUCKETS:
        rng = np.random.default_rng(bucket)
        stages = {name: change(name, rng.normal(0, 1, (1, 16, bucket))) for name in STAGES}
        stages["waveform"] = change("waveform", 0.0551 * rng.normal(0, 1, bucket * 600 - 50))
        np.savez(
            folder / f"{side}-{bucket}.npz", **{name: values.astype(np.float32) for name, values in stages.items()}
        )


def _compared(folder: Path, **table: Any) -> dict[str, Any]:
    """`tts-soak parity` over all buckets: its results by row."""
    plan = plan_of_pair(
        str(folder / "torch-{bucket}.npz"), str(folder / "coreml-{bucket}.npz"), BUCKETS, table, folder / "runs"
    )
    path = run_parity(plan, Quiet(), None)
    results: dict[str, Any] = json.loads((path / "results.json").read_text())["pairs"]
    return results


def _noisy(share: float) -> Callable[[str, np.ndarray], np.ndarray]:
    def change(name: str, values: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng(7).normal(0, 1, values.shape)
        return values + share * np.sqrt((values**2).mean()) * noise

    return change


def test_stages_of_five_buckets_are_on_par_in_either_layout(tmp_path: Path) -> None:
    _dumps(tmp_path, "torch", lambda name, values: values)
    rough = _noisy(0.003)
    _dumps(tmp_path, "coreml", lambda name, values: np.swapaxes(rough(name, values), -1, -2 if values.ndim > 1 else -1))
    rows = _compared(tmp_path)
    assert [row["bucket"] for row in rows.values()] == list(BUCKETS)
    for row in rows.values():
        assert row["first"] is None and row["ends"]["problem"] == ""
        for stage in row["stages"]:
            assert 0.9999 <= stage["cosine"] < 1 and 0.998 <= stage["rms_ratio"] <= 1.002
        assert "transposed" in row["stages"][0]["layout"]


def test_stages_at_0_9999_do_not_hide_a_bad_end(tmp_path: Path) -> None:
    """In the report every stage, fed with the reference's own input, reached 0.9999 and the whole only 0.71."""
    _dumps(tmp_path, "torch", lambda name, values: values)
    worse = _noisy(1.0)
    _dumps(tmp_path, "coreml", lambda name, values: worse(name, values) if name == "waveform" else values)
    free = {"waveform": {"cosine_min": -1.0, "rms_ratio_max": 9.0}}
    rows = _compared(tmp_path, stages=free)
    for row in rows.values():
        assert row["first"] is None  # of the stages that are judged as stages
        assert row["ends"]["problem"]


def test_one_bucket_alone_can_be_out(tmp_path: Path) -> None:
    """The RMS of one build was 0.0547 against 0.0551; another bucket of it was near silent."""
    _dumps(tmp_path, "torch", lambda name, values: values)
    _dumps(
        tmp_path, "coreml",
        lambda name, values: values * (0.02 if values.shape == (512 * 600 - 50,) else 0.0547 / 0.0551),
    )  # fmt: skip
    rows = _compared(tmp_path)
    out = {row["bucket"]: row["first"] for row in rows.values()}
    assert out == {32: None, 64: None, 128: None, 256: None, 512: "waveform"}
    assert "RMS ratio 0.02" in rows["parity-512"]["chain"]


# ---------------------------------------------------------------------------------------- placements, cold and warm
def test_placements_are_a_table_with_rtfx_cold_and_warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each set of packages, or each placement, is a variant; the first request of a fresh set compiles it."""
    script = Path(program(tmp_path, "styletts2_e2e.py"))
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\n[ "$3" = "scripts/99c_e2e_optimized.py" ] || exit 64\nshift 3\nexec {script} "$@"\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    base = variant(tmp_path, "styletts2-coreml", folder=str(tmp_path), reference=str(tmp_path / "reference.wav"))
    variants = []
    for name, placement in (("fp16", "cpuAndNeuralEngine"), ("fp16-cpu", "cpuOnly"), ("int8d512", "cpuOnly")):
        settings = {**base.settings, "command": [*base.settings["command"], "--coreml-dir", str(tmp_path / name)],
                    "values": {"placement": placement}}  # fmt: skip
        variants.append(replace(base, name=name, settings=settings, reference=name == "fp16"))
    corpus = load_corpus("generated:seed=3,chunks=3")
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan(
        "parity",
        corpus,
        tuple(variants),
        {each.name: ids for each in variants},
        tmp_path / "runs",
        reference=variants[0],
    )
    path = run_parity(plan, Quiet(), None)
    rows = json.loads((path / "results.json").read_text())["variants"]
    assert {name: row["placement"] for name, row in rows.items()} == {
        "fp16": "placement cpuAndNeuralEngine", "fp16-cpu": "placement cpuOnly", "int8d512": "placement cpuOnly",
    }  # fmt: skip
    for row in rows.values():
        assert row["requests"] == 3 and row["cold_seconds"] > 0.4  # compiling is in the first request
        assert row["cold_rtfx"] > 0 and row["warm_rtfx"] > 0
    with Run.open(path) as run:
        claims = {(claim.variant, claim.name): claim for claim in run.claims()}
        notes = [attempt.notes["said_rtfx"] for attempt in run.attempts(variant="fp16", arm="parity")]
    assert notes == [1.24, 4.32, 4.32]  # what the script itself says, kept beside what was measured
    assert claims["fp16-cpu", "end-to-end"].passed is True and claims["int8d512", "end-to-end"].passed is False
    assert claims["fp16", "speed"].passed is None
