"""Qwen3-Omni's talker and IndexTTS2: each judging item of the reports, shown on programs with the same interfaces."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.records import Outcome, Variant, VerdictWord
from harness.experiments.parity import ParityLimits, compare_sound, compare_stages
from harness.experiments.parity.limits import SoundTolerance
from tests._systems import LONG, TEXT, judged, names, needs_flite, program, reference_of, seen, speak, variant


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


# ------------------------------------------------------------------------------------------ dumps of stages, by parity
def _table(**table: Any) -> ParityLimits:
    return ParityLimits.read(table, Path())


def test_embeddings_are_held_to_their_largest_difference_and_must_not_be_zero() -> None:
    rng = np.random.default_rng(0)
    reference = {"embedding": rng.normal(0, 0.5, (1, 40, 64)).astype(np.float32)}
    limits = _table(stages={"embedding": {"difference_max": 0.01}})
    near = compare_stages(reference, {"embedding": reference["embedding"] + np.float32(0.004)}, limits)
    assert near.passed is True
    figures = near.stages[0].statistics
    assert figures is not None and abs(figures[1].mean) > 1e-3 and figures[1].std == pytest.approx(0.5, abs=0.02)
    one = reference["embedding"].copy()
    one[0, 3, 5] += 0.02  # far below what a cosine would notice
    far = compare_stages(reference, {"embedding": one}, limits)
    assert far.passed is False and "largest difference 0.02" in far.says()
    zero = compare_stages(reference, {"embedding": np.zeros_like(one)}, limits)
    assert zero.passed is False and "constant zero" in zero.says()


def test_summed_and_averaged_codebook_embeddings_differ_in_scale_alone() -> None:
    """vllm-omni averages, the report sums: the cosine is 1, the RMS ratio is the number of codebooks."""
    values = np.random.default_rng(0).normal(0, 1, (16, 40, 64))
    chain = compare_stages({"embedding": values.mean(0)}, {"embedding": values.sum(0)}, _table())
    assert chain.stages[0].cosine == pytest.approx(1.0) and chain.stages[0].rms_ratio == pytest.approx(16.0)
    assert "RMS ratio 16.0000" in chain.says()


def _flow(steps: int, drift: float, prompt: float) -> dict[str, np.ndarray]:
    """A flow's mean per step, as the dumps have it: from -6.5 to -10 when it is right, spread 1.6755."""
    noise = np.random.default_rng(0).normal(0, 1.6755, (80, 50))
    stages = {"prompt_x": noise + prompt}
    for step in range(steps):
        stages[f"velocity_{step:02d}"] = noise - 6.5 + drift * step / (steps - 1)
    stages["mel"] = noise - 6.5 + drift
    return stages


def test_the_first_wrong_velocity_of_25_steps_is_named_and_followed_to_the_mel() -> None:
    """Python goes from -6.5 to -10; the port rose by 0.4 instead."""
    unit = {"unit": "nats of magnitude"}
    limits = _table(stages={"velocity_24": unit, "mel": unit})
    chain = compare_stages(_flow(25, -3.5, -6.5), _flow(25, 0.4, -6.5), limits)
    assert chain.first is not None and chain.first.name == "velocity_01" and chain.passed is False
    assert chain.stages[1].left is False  # the first step is right: the error is in the steps, not in what they get
    last = chain.stages[-1]
    assert last.level == pytest.approx(3.9) and last.level_db == pytest.approx(3.9 * 20 / np.log(10))
    assert last.statistics is not None
    assert last.statistics[0].std == pytest.approx(1.6755, abs=0.05) and last.statistics[0].min < -11.5


def test_a_wrong_prompt_is_named_before_the_velocities() -> None:
    """prompt_x at -0.92 where -6.5 is right: its error is born there, whatever follows."""
    chain = compare_stages(_flow(25, -3.5, -6.5), _flow(25, -3.0, -0.92), _table(stage={"unit": "nats of magnitude"}))
    assert chain.first is not None and chain.first.name == "prompt_x" and chain.born is True
    assert chain.first.level == pytest.approx(5.58)


def _talker(codes: np.ndarray, decoder: float) -> dict[str, np.ndarray]:
    wave = np.sin(np.cumsum(codes.reshape(-1) / 4096)) * decoder
    return {"codes": codes, "waveform": np.repeat(wave, 100).astype(np.float32)}


def test_reference_codes_split_talker_and_decoder() -> None:
    """With its own codes both differ; with the reference's codes only a wrong decoder still does."""
    rng = np.random.default_rng(0)
    right, other = rng.integers(0, 4096, (60, 8)), rng.integers(0, 4096, (60, 8))
    talker = compare_stages(_talker(right, 0.3), _talker(other, 0.3), _table())
    assert talker.first is not None and talker.first.name == "codes" and talker.stages[1].left
    given = compare_stages(_talker(right, 0.3), _talker(right, 0.3), _table())
    assert given.passed is True  # the decoder is well: the talker it is
    decoder = compare_stages(_talker(right, 0.3), _talker(right, 0.1), _table())
    assert decoder.first is not None and decoder.first.name == "waveform" and decoder.born is True


def test_f32_against_q8_0_is_told_by_the_first_token_that_differs(
    qwen: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Greedy decoding: the same tokens up to the step at which the quantization tips the scale."""
    (plain,) = speak(qwen, tmp_path, [TEXT])
    monkeypatch.setenv("STANDIN_FAIL", "quantized")
    (quantized,) = speak(qwen, tmp_path, [TEXT])
    sides = [(reply.samples, reply.sample_rate, reply.tokens) for reply in (plain, quantized)]
    (a, rate, codes), (b, _, others) = sides
    assert a is not None and b is not None and rate is not None and codes is not None and others is not None
    ends = compare_sound((a, rate), (b, rate), SoundTolerance(), (codes, others))
    assert ends.first_difference == len(codes) // 2 * 8 and ends.passed is False
    assert ends.agreement == pytest.approx(0.5, abs=0.05)
