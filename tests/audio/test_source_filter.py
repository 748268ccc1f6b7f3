"""The source-filter decoder: named stages, the right pitch, the same as WORLD to the ear's measure, exact repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.audio import codec as runtime
from tests._places import ROOT

CODEC = ROOT / "voices" / "duo" / "codec.npz"
pytestmark = pytest.mark.skipif(not CODEC.is_file(), reason=f"the codebooks {CODEC} are not there")


@pytest.fixture(scope="module")
def codec() -> runtime.Codec:
    return runtime.load_codec(CODEC)


def spoken(codec: runtime.Codec, frames: int = 40) -> np.ndarray:
    """Codes near the middle of the voiced codebook entries, changing slowly."""
    voiced = np.flatnonzero(codec.prosody[:, 2] > 2.5)
    rng = np.random.default_rng(0)
    return np.stack(
        [np.repeat(rng.integers(0, 1024, frames // 4), 4), rng.integers(0, 1024, frames), np.full(frames, voiced[0])], 1
    )


def test_stages_have_their_shapes_and_repeat_exactly(codec: runtime.Codec) -> None:
    from harness.audio.source_filter import synthesis_stages

    codes = spoken(codec)
    first, second = synthesis_stages(codes, codec), synthesis_stages(codes, codec)
    samples = len(codes) * 640
    assert first["parameters"].shape == (len(codes) * 8, 31)
    assert first["phase"].shape == first["waveform"].shape == (samples,)
    assert first["source"].shape == (2, samples)
    assert first["filter"].shape[:2] == (2, len(codes) * 8)
    for name, value in first.items():
        assert np.isfinite(value).all(), name
        assert np.array_equal(value, second[name]), name


def test_phase_advances_by_the_coded_pitch(codec: runtime.Codec) -> None:
    from harness.audio.source_filter import synthesis_stages

    stages = synthesis_stages(spoken(codec), codec)
    turns = np.sum(np.diff(stages["phase"]) < -0.5)
    expected = stages["parameters"][:, 0].sum() * runtime.STEP_SECONDS
    assert turns == pytest.approx(expected, abs=1.5)


def test_parameters_and_spectrum_agree_with_world(codec: runtime.Codec) -> None:
    from harness.audio.source_filter import synthesis_stages
    from tools.voice.decoder import log_mel_distance

    codes = spoken(codec)
    stages = synthesis_stages(codes, codec)
    parameters = runtime.to_parameters(codes, codec)
    assert stages["parameters"][:, 0] == pytest.approx(parameters.f0, rel=1e-4)
    assert np.abs(stages["parameters"][:, 1:26] - parameters.cepstra).max() < 1e-4
    assert log_mel_distance(runtime.synthesize(parameters), stages["waveform"]) < 4.0


def test_onnx_export_computes_every_stage_alike(codec: runtime.Codec, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="exporting needs the onnx package")
    pytest.importorskip("onnxruntime", reason="running the export needs onnxruntime")
    from tools.voice import decoder

    decoder.export(codec, tmp_path / "decoder.onnx")
    apart = decoder.largest_differences(tmp_path / "decoder.onnx", codec, spoken(codec, 64))
    assert apart["phase"] < 1e-4
    assert apart["waveform"] < 5e-3
