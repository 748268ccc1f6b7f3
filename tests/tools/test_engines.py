"""The bench of real engines: graphs in other number formats still compute the same, and rows say what was run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra 'engines'")
pytest.importorskip("onnxconverter_common", reason="needs the extra 'engines'")
pytest.importorskip("onnxruntime", reason="needs the extra 'engines'")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from harness.causes.bisect.onnx.precision import to_float16, to_int8  # noqa: E402
from tools.engines import bench, graphs, quantize  # noqa: E402
from tools.engines.table import page, steadiness  # noqa: E402

SOUND = np.random.default_rng(3).normal(0, 1, (4, 16)).astype(np.float32)


def network(path: Path) -> Path:
    """A product, an output that the graph reads on, a mask from integers, and one constant for both."""
    weights = np.random.default_rng(1).normal(0, 0.3, (16, 8)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["hidden"], "product"),
        helper.make_node("Relu", ["hidden"], ["middle"], "relu"),
        helper.make_node("Shape", ["middle"], ["sizes"], "shape"),
        helper.make_node("Cast", ["sizes"], ["sized"], "cast", to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["sized"], ["count"], "sum", keepdims=0),
        helper.make_node("Mul", ["middle", "half"], ["halved"], "halve"),
        helper.make_node("Add", ["count", "half"], ["shift"], "shift"),
        helper.make_node("Add", ["halved", "shift"], ["y"], "add"),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 16])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 8]) for name in ("y", "middle")],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array(0.5, np.float32), "half")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def computed(model: Any) -> list[np.ndarray]:
    from onnxruntime import InferenceSession

    content = model.read_bytes() if isinstance(model, Path) else model.SerializeToString()
    return InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"x": SOUND})


def test_half_precision_computes_nearly_the_same_with_the_same_inputs_and_outputs(tmp_path: Path) -> None:
    path = network(tmp_path / "net.onnx")
    half = to_float16(onnx.load(path))
    assert {one.data_type for one in half.graph.initializer} == {TensorProto.FLOAT16}
    for full, got in zip(computed(path), computed(half), strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, full, rtol=2e-3, atol=2e-3)


def test_dynamic_int8_is_undone_but_for_the_rounding_of_the_weights(tmp_path: Path) -> None:
    path = network(tmp_path / "net.onnx")
    small = tmp_path / "int8.onnx"
    onnx.save(to_int8(onnx.load(path)), small)
    model = onnx.load(small)
    assert "MatMulInteger" in {node.op_type for node in model.graph.node}
    assert graphs.to_float32(model) == 1
    left = {node.op_type for node in model.graph.node}
    assert not left & {"MatMulInteger", "DynamicQuantizeLinear"} and "MatMul" in left
    full, rounded, undone = computed(path)[0], computed(small)[0], computed(model)[0]
    assert np.abs(undone - full).max() < 0.05  # the weights stay rounded
    assert np.abs(undone - rounded).max() > 0  # the activations do not


def test_every_engine_is_a_variants_file_or_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in bench.ENGINES:
        monkeypatch.delenv(f"TTS_SOAK_{engine.name.upper()}", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for engine in bench.ENGINES:
        if engine.preset is None:
            assert list(tomllib.loads(engine.variants())["variants"]) == [engine.name]
            continue
        with pytest.raises(bench.Missing, match=r"apt-get install|docs/presets"):
            engine.variants()
    python = tmp_path / "python"
    python.write_text("")
    monkeypatch.setenv("TTS_SOAK_HIBARI", str(python))
    table = tomllib.loads(next(one for one in bench.ENGINES if one.name == "hibari").variants())
    assert table["variants"]["hibari"]["settings"]["python"] == str(python)


def test_a_phase_that_is_added_up_in_half_precision_loses_its_place(tmp_path: Path) -> None:
    """A tone of 200 Hz by the sum of its phase, as harmonic sources make it: right at first, wrong after seconds."""
    nodes = [
        helper.make_node("CumSum", ["steps", "axis"], ["phase"], "/m_source/CumSum"),
        helper.make_node("Sin", ["phase"], ["wave"], "/m_source/Sin"),
    ]
    graph = helper.make_graph(
        nodes,
        "source",
        [helper.make_tensor_value_info("steps", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("wave", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.array(0, np.int64), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    exact, half = onnx.ModelProto(), onnx.ModelProto()
    exact.CopyFrom(model)
    half.CopyFrom(model)
    assert graphs.round_to_half(half, "/other/") == 0 and graphs.round_to_half(half, "/m_source/") == 2
    from onnxruntime import InferenceSession

    steps = {"steps": np.full(3 * 24_000, 2 * np.pi * 200 / 24_000, np.float32)}
    good, bad = (InferenceSession(one.SerializeToString()).run(None, steps)[0] for one in (exact, half))
    assert np.corrcoef(good[:240], bad[:240])[0, 1] > 0.999
    assert np.corrcoef(good[-24_000:], bad[-24_000:])[0, 1] < 0.9


@pytest.mark.parametrize("template", [quantize.PIPER, quantize.HIBARI])
def test_the_variants_of_a_quantization_have_one_reference(tmp_path: Path, template: str) -> None:
    models = {name: tmp_path / f"{name}.onnx" for name in quantize.PRECISIONS}
    path = quantize.variants_file(tmp_path, template, "/usr/bin/python3", models)
    variants = tomllib.loads(path.read_text())["variants"]
    assert [name.rpartition("-")[2] for name in variants] == ["fp32", "fp16", "int8"]
    assert [name for name, one in variants.items() if one.get("reference")] == [next(iter(variants))]


def test_texts_come_in_the_counts_and_the_language_that_were_asked() -> None:
    ids = [chunk.id for chunk in bench.texts({"book": 2, "sentences": 1, "edge": 0}, "en")]
    assert ids == ["book-0001", "book-0002", "sentence-01"]
    assert {chunk.language for chunk in bench.texts({"book": 2, "edge": 3}, "ja")} == {"ja"}


def test_a_steady_voice_is_steadier_than_two_voices() -> None:
    generator = np.random.default_rng(1)
    one, other = generator.normal(0, 1, 32), generator.normal(0, 1, 32)
    steady = [(one + generator.normal(0, 0.1, 32)).tolist() for _ in range(6)]
    mixed = steady[:3] + [(other + generator.normal(0, 0.1, 32)).tolist() for _ in range(3)]
    assert (steadiness(steady) or 0) > 0.98 > (steadiness(mixed) or 0)
    assert steadiness(steady[:2]) is None


def test_without_runs_the_page_has_no_row(tmp_path: Path) -> None:
    assert "**" not in page(bench.ENGINES, tmp_path)
