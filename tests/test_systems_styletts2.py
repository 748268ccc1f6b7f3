"""StyleTTS2 in Core ML: the script's stage lines, its two WAVs, and its failures that end with exit code 0."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.types import Outcome, Variant

from ._systems import TEXT, judged, names, program, seen, speak, variant


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
