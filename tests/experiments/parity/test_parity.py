"""Parity of two runs: figures of a stage, layouts, the first stage that goes wrong, both ends, sources of dumps."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from pydantic_core import to_jsonable_python

from harness.audio import resample
from harness.core.errors import ConfigError
from harness.experiments.parity import ParityLimits, compare_sound, compare_stage, compare_stages, judge_speaker
from harness.experiments.parity.limits import SoundTolerance, Tolerance
from harness.experiments.parity.runs import DumpSource

RNG = np.random.default_rng(0)
MEL = RNG.normal(-6.48, 2.0, (80, 120))


def limits(**table: Any) -> ParityLimits:
    return ParityLimits.read(table, Path())


def speech(seconds: float = 2.0, rate: int = 16000, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    """Ten harmonics of 120 Hz with a slow envelope; ``shift`` in turns of the fundamental."""
    t = np.arange(int(seconds * rate)) / rate
    turns = 120 * t + shift
    tone = sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 11))
    return (0.1 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)


# ---------------------------------------------------------------------------------------------- one stage
def test_the_figures_of_a_stage_are_those_of_its_definition() -> None:
    a, b = RNG.normal(0, 1, (3, 40)), RNG.normal(0, 1, (3, 40))
    comparison = compare_stage("x", a, b, Tolerance())
    assert comparison.cosine == pytest.approx((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
    assert comparison.largest == pytest.approx(np.abs(a - b).max()) and comparison.mean == pytest.approx(
        np.abs(a - b).mean()
    )
    assert comparison.rms_ratio == pytest.approx(np.sqrt((b**2).mean() / (a**2).mean()))
    assert comparison.statistics is not None
    assert astuple(comparison.statistics[1]) == pytest.approx((b.mean(), b.std(), b.min(), b.max()))
    assert comparison.left and "cosine" in comparison.problem


def test_rms_parity_is_judged_where_the_cosine_is_blind() -> None:
    """0.0547 against 0.0551: a scaled signal has a cosine of 1."""
    a = RNG.normal(0, 0.0551, 4000)
    within = compare_stage("waveform", a, a * 0.0547 / 0.0551, Tolerance())
    beyond = compare_stage("waveform", a, a * 0.98, Tolerance())
    assert not within.left and within.rms_ratio == pytest.approx(0.9927, abs=1e-4)
    assert beyond.cosine == pytest.approx(1.0) and "RMS ratio 0.98" in beyond.problem


@pytest.mark.parametrize("silent", [True, False])
def test_silent_and_nan_output_leave_the_tolerance(silent: bool) -> None:
    a = RNG.normal(0, 0.05, 4000)
    b = np.zeros_like(a) if silent else a.copy()
    if not silent:
        b[100:103] = np.nan
    comparison = compare_stage("waveform", a, b, Tolerance())
    assert comparison.left and ("constant zero" if silent else "3 values are not finite") in comparison.problem
    assert comparison.nans == ((0, 0) if silent else (0, 3))


def test_transposed_axes_are_recognised_and_said() -> None:
    batch = MEL[None]
    comparison = compare_stage("mel", batch, np.transpose(batch, (0, 2, 1)), Tolerance())
    assert comparison.cosine == pytest.approx(1.0) and not comparison.left
    assert "transposed" in comparison.layout and comparison.shapes == ((1, 80, 120), (1, 120, 80))
    square = RNG.normal(0, 1, (50, 50))
    assert "transposed" in compare_stage("x", square, square.T, Tolerance()).layout
    assert compare_stage("x", square, square, Tolerance()).layout == ""
    unlike = compare_stage("x", square, RNG.normal(0, 1, (50, 50)), Tolerance())
    assert unlike.layout == "" and unlike.left  # no order of axes is made up for what is simply wrong


def test_another_shape_is_out_of_tolerance_unless_padding_is_expected() -> None:
    padded = np.pad(MEL, ((0, 0), (0, 8)))
    strict = compare_stage("mel", MEL, padded, Tolerance())
    assert strict.left and "shape (80, 128) against (80, 120)" in strict.problem and strict.cosine == pytest.approx(1.0)
    assert not compare_stage("mel", MEL, padded, Tolerance(crop=True)).left
    assert "not comparable" in compare_stage("mel", MEL, MEL[0], Tolerance()).problem


def test_a_phase_is_compared_modulo_its_turn() -> None:
    phase = RNG.random(1000)
    near = (phase + 1e-4) % 1.0
    comparison = compare_stage("phase", phase, near, Tolerance(modulo=1.0))
    assert comparison.largest == pytest.approx(1e-4) and not comparison.left
    plain = compare_stage("phase", np.array([0.0, 0.999]), np.array([0.999, 0.0]), Tolerance())
    assert plain.left and plain.largest == pytest.approx(0.999)
    assert compare_stage("p", np.array([0.0, 0.999]), np.array([0.999, 0.0]), Tolerance(modulo=1.0)).largest < 0.0011


@pytest.mark.parametrize(
    ("unit", "decibels"), [("nats of magnitude", 31.36), ("nats of power", 15.68), ("dB", 3.61), (None, None)]
)
def test_a_mel_gap_is_told_in_its_own_unit_and_in_db(unit: Any, decibels: float | None) -> None:
    """-6.48 against -10.09: what 3.61 means depends on the unit, and without one nothing is converted."""
    comparison = compare_stage("mel", MEL, MEL - 3.61, Tolerance(unit=unit))
    if unit is None:
        assert comparison.level is None and comparison.level_db is None
    else:
        assert comparison.level == pytest.approx(-3.61) and comparison.unit == unit
        assert comparison.level_db == pytest.approx(-decibels, abs=0.01)


def test_tokens_are_counted_equal_or_not() -> None:
    codes = RNG.integers(0, 4096, (50, 7))
    other = codes.copy()
    other[10, 3] += 1
    comparison = compare_stage("codes", codes, other, Tolerance())
    assert comparison.agreement == pytest.approx(1 - 1 / 350) and comparison.first_difference == 73
    assert comparison.left and "99.7% of the integers agree" in comparison.problem
    assert not compare_stage("codes", codes, codes.astype(np.int32), Tolerance()).left


@settings(max_examples=40, deadline=None)
@given(
    arrays_of.arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e3, 1e3)), st.sampled_from([None, 1.0, 6.28])
)
def test_anything_is_on_par_with_itself(values: np.ndarray, modulo: float | None) -> None:
    comparison = compare_stage("x", values, values.copy(), Tolerance(modulo=modulo))
    assert not comparison.left and comparison.largest == 0.0


# -------------------------------------------------------------------------------------------- many stages
def _chain(errors: list[float]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    first = {f"s{i}": RNG.normal(0, 1, 5000) for i in range(len(errors))}
    noise = RNG.normal(0, 1, 5000)
    return first, {name: a + e * noise for (name, a), e in zip(first.items(), errors, strict=True)}


def test_the_first_stage_out_is_named_and_its_error_is_born_there() -> None:
    chain = compare_stages(*_chain([0.0, 1e-6, 0.1, 0.3]), limits())
    assert chain.first is not None and chain.first.name == "s2" and chain.born is True and chain.passed is False
    assert "stage 's2' (3 of 4) is the first" in chain.says() and "born there" in chain.says()


def test_an_error_that_grows_is_followed_to_where_it_began() -> None:
    chain = compare_stages(*_chain([0.0, 1e-4, 1e-3, 0.008, 0.05]), limits())
    assert chain.first is not None and chain.first.name == "s4" and chain.born is False
    assert "has grown since 's1'" in chain.says()


def test_a_stage_that_one_side_lacks_is_never_counted_as_equal() -> None:
    first, second = _chain([0.0, 0.0])
    del second["s1"]
    second["new"] = first["s0"]
    chain = compare_stages(first, second, limits())
    assert chain.passed is None
    assert "s1 (not in the candidate)" in chain.says() and "new (not in the reference)" in chain.says()
    assert compare_stages({"a": MEL}, {"b": MEL}, limits()).passed is None


def test_every_stage_can_have_its_own_tolerance() -> None:
    first, second = _chain([0.0, 0.05])
    assert compare_stages(first, second, limits(stages={"s1": {"cosine_min": 0.99}})).passed is True
    tight = compare_stages(first, second, limits(stages={"s1": {"cosine_min": 0.99, "difference_max": 1e-4}}))
    assert tight.passed is False and "largest difference" in tight.says()
    with pytest.raises(ConfigError, match=r"parity.stages.s7: neither side has this stage \(they have: s0, s1\)"):
        compare_stages(first, second, limits(stages={"s7": {"cosine_min": 0.99}}))


# ---------------------------------------------------------------------------------------------- both ends
def test_stages_near_one_do_not_make_the_ends_equal() -> None:
    """Each stage fed with the reference's own input reached 0.9999, and the whole 0.71."""
    first, second = _chain([0.005, 0.005, 0.005])
    assert compare_stages(first, second, limits()).passed is True
    ends = compare_sound((speech(), 16000), (speech(seed=1) * 0 + RNG.normal(0, 0.05, 32000), 16000), SoundTolerance())
    assert ends.passed is False
    assert ends.log_mel_correlation is not None and ends.log_mel_correlation < 0.71


def test_the_ends_may_be_equal_though_a_stage_is_out() -> None:
    """A constant shift of the phase is another waveform and the same sound."""
    a, b = speech(), speech(shift=0.31)
    assert compare_stages({"waveform": a}, {"waveform": b}, limits()).passed is False
    assert compare_sound((a, 16000), (b, 16000), SoundTolerance()).passed is True


def test_noise_passes_the_log_mel_cosine_of_published_scripts_and_not_the_correlation() -> None:
    noise = RNG.normal(0, 0.05, 32000).astype(np.float32)
    ends = compare_sound((speech(), 16000), (noise, 16000), SoundTolerance(level_db_max=99, rms_ratio_max=99))
    assert ends.log_mel_cosine is not None and ends.log_mel_cosine > 0.7
    assert ends.log_mel_correlation is not None and ends.log_mel_correlation < 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x * 0.9, "RMS ratio is 0.9"),
        (lambda x: x * 0, "the candidate is silent"),
        (lambda x: x[:-4000], "duration ratio is 0.875"),
        (lambda x: np.where(np.arange(len(x)) < 5, np.nan, x), "5 samples are not finite"),
        (lambda x: x[:0], "the candidate gave no sound"),
    ],
)
def test_what_is_wrong_at_the_end_is_said(change: Any, words: str) -> None:
    a = speech()
    ends = compare_sound((a, 16000), (np.asarray(change(a), np.float32), 16000), SoundTolerance())
    assert ends.passed is False and words in ends.says()


def test_level_difference_is_in_db() -> None:
    a = speech()
    ends = compare_sound((a, 16000), (a * 10 ** (-3 / 20), 16000), SoundTolerance(rms_ratio_max=1.0))
    assert ends.level_db == pytest.approx(-3.0, abs=0.3) and "mel level in dB is -" in ends.says()


def test_tokens_decide_at_the_end_too_and_rates_may_differ() -> None:
    a = speech(rate=24000)
    b = resample(a, 24000, 16000)
    codes = np.arange(700).reshape(100, 7)
    same = compare_sound((a, 24000), (b, 16000), SoundTolerance(), (codes, codes))
    assert same.agreement == 1.0 and same.passed is True
    other = compare_sound((a, 24000), (b, 16000), SoundTolerance(), (codes, codes[:90]))
    assert other.agreement == pytest.approx(0.9) and other.first_difference == 630 and other.passed is False


# ------------------------------------------------------------------------------------------------- speaker
def test_a_speaker_is_judged_by_the_references_ceiling_and_the_encoders_floor() -> None:
    """0.29 to the recording is no loss where the original reaches 0.29; 0.88 is none where it is 0.88 to itself."""
    assert judge_speaker([0.88], [0.88], [0.29], [0.29]).passed is True
    lost = judge_speaker([0.7881, 0.79], [0.9987, 0.9987])
    assert lost.passed is False and "0.789 to the reference, which is 0.999 to itself" in lost.says()
    assert judge_speaker([0.99], [0.99], [0.10], [0.29]).passed is False
    bare = judge_speaker([0.9], [])
    assert bare.passed is None and "not judged" in bare.says()


# -------------------------------------------------------------------------------------------- where from
def test_dumps_are_read_in_their_own_order_from_either_format(tmp_path: Path) -> None:
    stages = {"zeta": MEL.astype(np.float32), "alpha": np.arange(6, dtype=np.int64).reshape(2, 3)}
    np.savez(tmp_path / "a.npz", **stages)
    dumps = DumpSource("a.npz", tmp_path).load()
    assert list(dumps.stages) == ["zeta", "alpha"] and dumps.cold is None
    pytest.importorskip("safetensors", reason="the format needs the extra 'parity'")
    import torch
    from safetensors.torch import save_file

    save_file({name: torch.from_numpy(each) for name, each in stages.items()}, tmp_path / "a.safetensors")
    save_file({"half": torch.ones(3, dtype=torch.bfloat16)}, tmp_path / "b.safetensors")
    read = DumpSource("a.safetensors", tmp_path).load()
    for name, each in stages.items():
        np.testing.assert_array_equal(read.stages[name], each)
    assert DumpSource("b.safetensors", tmp_path).load().stages["half"].tolist() == [1.0, 1.0, 1.0]


def test_buckets_are_files_of_a_folder_or_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    for bucket in (32, 512):
        np.savez(tmp_path / "torch" / f"{bucket}.npz", x=np.full(3, bucket))
    for spec in ("torch", "torch/{bucket}.npz"):
        assert DumpSource(spec, tmp_path).load(512).stages["x"][0] == 512
    with pytest.raises(ConfigError, match=r"one dump named 64.npz or 64.safetensors is needed, there is none"):
        DumpSource("torch", tmp_path).load(64)
    with pytest.raises(ConfigError, match="no bucket to put in"):
        DumpSource("torch/{bucket}.npz", tmp_path).load()


def test_a_callable_is_called_by_bucket_and_timed_cold_and_warm(tmp_path: Path) -> None:
    (tmp_path / "sides.py").write_text(
        "import numpy as np, torch\ncalls = []\n"
        "def run(bucket):\n    calls.append(bucket)\n    return {'x': torch.full((bucket,), float(len(calls)))}\n"
        "def plain():\n    return {'x': np.ones(2)}\n"
    )
    side = DumpSource("sides.py:run", tmp_path)
    first = side.load(4, repeats=2)
    assert first.stages["x"].tolist() == [1.0] * 4 and first.cold is not None and len(first.warm) == 2
    assert side.load(2).stages["x"].tolist() == [4.0] * 2  # imported once: its state lives on
    assert DumpSource("sides.py:plain", tmp_path).load(8).stages["x"].shape == (2,)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("mised.npz", r"no such dump \(did you mean 'missed.npz'\?\)"),
        ("missed.npz", "cannot be read as .npz"),
        ("missed.pt", "a dump must be .npz or .safetensors, or module:callable"),
        ("nowhere_at_all:run", "cannot be imported"),
        ("sides.py:rum", r"has no callable 'rum' \(did you mean 'run'\?\)"),
        ("sides.py:words", "stage 'x' is no array of numbers"),
        ("sides.py:fails", "sides.py:fails: raised ModuleNotFoundError: No module named 'onnxx'"),
        ("sides.py:run", "must give a table of stage name -> array, gave list"),
    ],
)
def test_what_cannot_be_loaded_is_one_clear_line(tmp_path: Path, spec: str, words: str) -> None:
    (tmp_path / "missed.npz").write_bytes(b"not a zip")
    (tmp_path / "sides.py").write_text(
        "def run():\n    return [1]\ndef words():\n    return {'x': ['a']}\ndef fails():\n    import onnxx\n"
    )
    with pytest.raises(ConfigError, match=words) as error:
        DumpSource(spec, tmp_path).load()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"stag": {}}, "unknown key 'stag' .did you mean 'stag"),
        ({"stage": {"cosin_min": 1}}, "parity.stage: unknown key 'cosin_min' .did you mean 'cosine_min'"),
        (
            {"stage": {"unit": "nats"}},
            "parity.stage: unit: input should be .dB., .nats of magnitude. or .nats of power. .got",
        ),
        ({"sound": {"level_db_max": "low"}}, "parity.sound: level_db_max: input should be a valid number .got .low.."),
        ({"sample_rate": "24k"}, "parity: sample_rate: input should be a valid integer"),
        ({"pairs": {"a": {"reference": "x"}}}, "parity.pairs.a.candidate"),
        ({"pairs": {"a": {"reference": "x", "candidate": "y", "buckets": ["s"]}}}, "buckets must be a list"),
        ({"pairs": {"a": {"reference": "x", "candidate": "y", "stage": {"x": 1}}}}, "parity.stage: unknown key 'x'"),
    ],
)
def test_wrong_limits_are_one_clear_line(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ParityLimits.read(table, Path())


def test_results_hold_no_nan(tmp_path: Path) -> None:
    chain = compare_stages(
        {"x": np.zeros(3), "y": np.array([np.nan])}, {"x": np.ones(3), "y": np.array([np.nan])}, limits()
    )
    assert json.loads(json.dumps(to_jsonable_python(chain), allow_nan=False))["stages"][1]["name"] == "y"
