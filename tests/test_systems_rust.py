"""Qwen3-Omni's talker and IndexTTS2: each judging item of the reports, shown on programs with the same interfaces."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import pytest

from harness.types import Outcome, Variant, VerdictWord

from ._systems import LONG, TEXT, judged, names, needs_flite, program, reference_of, seen, speak, variant


@pytest.fixture
def qwen(tmp_path: Path) -> Variant:
    script = program(tmp_path, "qwen3_omni_tts_full.py")
    return variant(
        tmp_path, "qwen3-omni", program=script, model="model.gguf", tokenizer=str(tmp_path / "tokenizer.json")
    )


@pytest.fixture
def index(tmp_path: Path) -> Variant:
    return variant(
        tmp_path, "indextts2", program=program(tmp_path, "indextts2.py"), speaker=str(tmp_path / "reference.wav")
    )


# ---------------------------------------------------------------------------------------- Qwen3-Omni
def test_tokens_come_out_of_the_log_frame_by_frame(qwen: Variant, tmp_path: Path) -> None:
    (reply,) = speak(qwen, tmp_path, [TEXT])
    assert reply.tokens is not None and reply.samples is not None
    assert reply.tokens.shape == (reply.notes["positions"], 8) and reply.notes["codebooks"] == 8
    assert reply.sample_rate == 24000 and reply.finish_reason == "stop"
    assert len(reply.samples) == reply.tokens.shape[0] * 1920  # 24,000 Hz x 0.08 s
    payload = seen(qwen, reply, TEXT).payload("tokens") or {}
    assert payload["length_mismatch"] == pytest.approx(0.0, abs=1e-6)
    assert all(book["out_of_range"] == 0 and book["unique"] > 15 for book in payload["codebooks"])


def test_a_token_outside_its_codebook_is_found(qwen: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its flat index would still be below 32,768, so the report's own check passes it."""
    monkeypatch.setenv("STANDIN_FAIL", "range")
    (reply,) = speak(qwen, tmp_path, [TEXT])
    assert reply.tokens is not None
    flat = reply.tokens + np.arange(8) * 4096
    assert flat.max() < 32768
    assert "token-range" in names(judged(seen(qwen, reply, TEXT)))


def test_six_different_tokens_are_a_collapsed_codebook(
    qwen: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (usual,) = speak(qwen, tmp_path, [LONG])
    reference = reference_of(seen(qwen, usual, LONG))
    monkeypatch.setenv("STANDIN_FAIL", "collapse")
    (reply,) = speak(qwen, tmp_path, [LONG])
    view = seen(qwen, reply, LONG, reference=reference)
    assert {book["unique"] for book in (view.payload("tokens") or {})["codebooks"]} == {6}
    assert "codebook-collapse" in names(judged(view))
    assert "codebook-collapse" not in names(judged(seen(qwen, usual, LONG, reference=reference)))


def test_the_range_before_the_clamp_is_kept_beside_the_clamped_audio(
    qwen: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "loud")
    (reply,) = speak(qwen, tmp_path, [TEXT])
    assert reply.samples is not None and float(np.abs(reply.samples).max()) <= 1.0
    assert max(-reply.notes["range_low"], reply.notes["range_high"]) == pytest.approx(4.0)
    assert reply.notes["said_rms"] > 0
    assert "clipping" in names(judged(seen(qwen, reply, TEXT)))


def test_the_missing_stop_token_is_a_runaway(qwen: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "runaway")
    (reply,) = speak(qwen, tmp_path, [TEXT])
    assert reply.finish_reason == "length"
    assert "runaway" in names(judged(seen(qwen, reply, TEXT, ("tokens",))))


@pytest.mark.parametrize(("damage", "fault"), [("silent", "silence"), ("periodic", "short-repeat"), ("noise", "noise")])
def test_what_constant_codes_decode_to(
    qwen: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, fault: str
) -> None:
    """zeros give silence, one code again and again a period, untrained weights noise."""
    monkeypatch.setenv("STANDIN_FAIL", damage)
    (reply,) = speak(qwen, tmp_path, [TEXT])
    assert fault in names(judged(seen(qwen, reply, TEXT)))


# ----------------------------------------------------------------------------------------- IndexTTS2
def test_indextts2_is_driven_and_its_codes_counted(index: Variant, tmp_path: Path) -> None:
    (reply,) = speak(index, tmp_path, [TEXT], seed=None)
    assert reply.outcome is Outcome.OK and reply.samples is not None and reply.sample_rate == 22050
    assert reply.token_count == len(reply.samples) // 441
    assert reply.notes["said_rtfx"] == 2.13  # the program calls it RTF


def test_random_initialisation_is_an_error_whatever_the_audio(
    index: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "random-init")
    (reply,) = speak(index, tmp_path, [TEXT], seed=None)
    assert reply.outcome is Outcome.ERROR and "using random initialization" in reply.detail


@needs_flite
def test_right_duration_and_yet_noise_is_vetoed_by_the_recognizer(
    index: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorers = ("signal", "pitch", "intelligibility")
    text = "The kettle is on and the door is open."
    monkeypatch.setenv("STANDIN_VOICE", "flite")
    (said,) = speak(index, tmp_path, [text], seed=None)
    monkeypatch.setenv("STANDIN_FAIL", "unintelligible")
    (noise,) = speak(index, tmp_path, [text], seed=None)
    assert said.samples is not None and noise.samples is not None
    assert len(noise.samples) == pytest.approx(len(said.samples), rel=0.02)
    reference = reference_of(seen(index, said, text, scorers))
    verdict = judged(seen(index, noise, text, scorers, reference=reference))
    assert verdict.word is VerdictWord.FAULTY
    assert names(verdict) & {"unintelligible", "skipped-words", "truncation"}


def test_a_mel_gap_of_3_6_nats_is_31_db_of_level(
    index: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report read 3.6 as dB: a natural logarithm of a magnitude is 8.686 dB a unit."""
    monkeypatch.setenv("STANDIN_DRAW", "7")  # two takes differ by some dB of their own
    (usual,) = speak(index, tmp_path, [TEXT], seed=None)
    monkeypatch.setenv("STANDIN_FAIL", "dark")
    (reply,) = speak(index, tmp_path, [TEXT], seed=None)
    levels = [
        (seen(index, each, TEXT, ("signal",)).payload("signal") or {})["active_rms_dbfs"] for each in (usual, reply)
    ]
    assert levels[0] - levels[1] == pytest.approx(3.608 * 20 / np.log(10), abs=3.0)
    verdict = judged(seen(index, reply, TEXT, reference=reference_of(seen(index, usual, TEXT))))
    assert "level-offset" in names(verdict)


def test_without_a_seed_only_many_chunks_are_compared(index: Variant, tmp_path: Path) -> None:
    """Two takes differ, so nothing is claimed of a single pair; the variant says that it takes no seed."""
    first, second = speak(index, tmp_path, [TEXT, TEXT], seed=None)
    assert first.samples is not None and second.samples is not None
    assert not np.array_equal(first.samples, second.samples)
    assert index.seed_policy == "none"
    assert statistics.fmean([len(first.samples), len(second.samples)]) > 0
