"""Speaker encoders by name: an ONNX file by its path, of either kind, and what is said of one that will not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import ConfigError
from harness.core.records import Attempt, Chunk, Samples, Status, Variant
from harness.scorers import observe
from harness.scorers.base import Clip
from harness.scorers.speaker import SpeakerScorer
from harness.scorers.speaker_encoders import kaldi_bands, speaker_encoder

onnx = pytest.importorskip("onnx", reason="the small models of this test are made with onnx")
pytest.importorskip("onnxruntime", reason="needs the extra 'speaker'")
pytest.importorskip("kaldi_native_fbank", reason="needs the extra 'speaker'")


def voice(f0: float, formant: float, seed: int) -> Samples:
    """Three seconds of syllables: harmonics of ``f0`` under one formant."""
    t = np.arange(3 * 16_000) / 16_000
    phase = 2 * np.pi * np.cumsum(f0 * (1 + 0.05 * np.sin(2 * np.pi * 0.7 * t + seed))) / 16_000
    wave = sum(np.sin(k * phase) * np.exp(-(((k * f0 - formant) / 300) ** 2)) for k in range(1, int(7000 / f0)))
    noise = np.random.default_rng(seed).normal(0, 1e-4, t.size)
    return (0.1 * wave * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t + seed)) + noise).astype(np.float32)


def model(path: Path, shape: list[str | int], nodes: list[tuple[str, list[str], str, dict]], **weights) -> Path:
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node(kind, read, [give], **keys) for kind, read, give, keys in nodes],
        "encoder",
        [helper.make_tensor_value_info("feats", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("embs", TensorProto.FLOAT, ["batch", None])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def of_bands(folder: Path) -> Path:
    """How much each of the 80 bands varies: what an encoder of WeSpeaker's form reads and gives."""
    nodes = [
        ("ReduceL2", ["feats"], "a", {"axes": [1], "keepdims": 0}),
        ("ReduceMean", ["a"], "b", {"axes": [1]}),
        ("Sub", ["a", "b"], "embs", {}),
    ]
    return model(folder / "bands.onnx", ["batch", "frames", 80], nodes)


def of_samples(folder: Path) -> Path:
    """How loud the sound is behind each of 32 filters: an encoder that reads the waveform."""
    t = np.arange(400) / 16_000
    filters = np.stack([np.cos(2 * np.pi * f * t) * np.hanning(400) for f in np.linspace(80, 4000, 32)])
    nodes = [
        ("Unsqueeze", ["feats", "one"], "a", {}),
        ("Conv", ["a", "filters"], "b", {"strides": [160]}),
        ("Abs", ["b"], "c", {}),
        ("ReduceMean", ["c"], "embs", {"axes": [2], "keepdims": 0}),
    ]
    weights = {"one": np.array([1], np.int64), "filters": filters[:, None].astype(np.float32)}
    return model(folder / "samples.onnx", ["batch", "samples"], nodes, **weights)


def clip(samples: Samples, **embeddings: object) -> Clip:
    attempt = Attempt(session=0, epoch=0, sequence=0, chunk_id="c", variant="v")
    return Clip(Chunk("c", "x"), attempt, samples, 16_000, Variant("v", "null"), None, embeddings)


@pytest.mark.parametrize("make", [of_bands, of_samples])
def test_an_onnx_file_tells_voices_apart_and_its_name_stands_beside_the_figure(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)
    scorer = SpeakerScorer(f"onnx:{path}")
    payload = observe(scorer, clip(voice(110, 600, 1))).payload
    name = payload["encoder"]
    assert name.startswith(f"onnx-{path.stem}-") and name in scorer.version and payload["similarity"] is None
    assert np.linalg.norm(payload["embedding"]) == pytest.approx(1.0, abs=1e-4)
    same = observe(scorer, clip(voice(110, 600, 2), **{name: payload["embedding"]})).payload["similarity"]
    other = observe(scorer, clip(voice(230, 2400, 3), **{name: payload["embedding"]})).payload["similarity"]
    assert same > 0.9 and same > other + 0.05
    foreign = observe(scorer, clip(voice(110, 600, 2), **{"resemblyzer-ge2e": payload["embedding"]})).payload
    assert foreign["similarity"] is None  # cosines of two encoders are never mixed


def test_other_weights_have_another_name(tmp_path: Path) -> None:
    first = speaker_encoder(f"onnx:{of_bands(tmp_path)}").name
    (tmp_path / "more").mkdir()
    other = of_samples(tmp_path).rename(tmp_path / "more" / "bands.onnx")
    assert speaker_encoder(f"onnx:{other}").name != first


def test_bands_are_kaldis(tmp_path: Path) -> None:
    bands = kaldi_bands(voice(110, 600, 1))
    assert bands.shape == (298, 80) and bands.dtype == np.float32  # 25 ms every 10 ms, only whole windows
    np.testing.assert_allclose(bands.mean(axis=0), 0.0, atol=1e-4)
    tone = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)).astype(np.float32)
    steps = np.concatenate([tone, 0.01 * tone])  # a tenth of the level: ln(100) less power, most in its own band
    assert np.ptp(kaldi_bands(steps)[10:, 27:30].max(axis=1)) > 4.0


def test_a_wrong_encoder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown encoder 'resemblizer' \(did you mean 'resemblyzer'"):
        speaker_encoder("resemblizer")
    with pytest.raises(ConfigError, match="no such file"):
        speaker_encoder(f"onnx:{tmp_path / 'nothing.onnx'}")
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(ConfigError, match=r"text\.onnx cannot be loaded"):
        speaker_encoder(f"onnx:{tmp_path / 'text.onnx'}").setup()
    narrow = model(
        tmp_path / "narrow.onnx", ["b", "t", 40], [("ReduceL2", ["feats"], "embs", {"axes": [1], "keepdims": 0})]
    )
    with pytest.raises(ConfigError, match=r"narrow\.onnx reads feats .*frames, 80"):
        speaker_encoder(f"onnx:{narrow}").setup()


def test_hardly_any_speech_is_not_available(tmp_path: Path) -> None:
    scorer = SpeakerScorer(f"onnx:{of_bands(tmp_path)}")
    assert observe(scorer, clip(voice(110, 600, 1)[:8000])).status is Status.NOT_AVAILABLE
