"""ONNX graphs bisected: quantizations made again with parts left out, the broken node named, bad input in one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

onnx = pytest.importorskip("onnx", reason="needs the extra 'engines'")
pytest.importorskip("onnxconverter_common", reason="needs the extra 'engines'")
pytest.importorskip("onnxruntime", reason="needs the extra 'engines'")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from harness.causes.bisect.bench import MEASURED  # noqa: E402
from harness.causes.bisect.names import named_paths  # noqa: E402
from harness.causes.bisect.onnx.exchange import OnnxExchange  # noqa: E402
from harness.causes.bisect.onnx.model import OnnxModel  # noqa: E402
from harness.causes.bisect.onnx.precision import DynamicInt8, to_float16, to_int8  # noqa: E402
from harness.causes.bisect.onnx.recipes import recognise  # noqa: E402
from harness.causes.bisect.run import run_bisect  # noqa: E402
from harness.cli import main  # noqa: E402
from harness.core.errors import ConfigError  # noqa: E402
from harness.core.records import Chunk  # noqa: E402
from harness.core.variants import load_variants  # noqa: E402
from harness.corpora import make_corpus  # noqa: E402
from harness.engine.plan import Plan  # noqa: E402
from harness.engine.progress import Quiet  # noqa: E402
from harness.store import Run  # noqa: E402
from tests._killed import KilledAfterTrials  # noqa: E402
from tests._onnx_voice import BROKEN, graph, samples_of, variants_of  # noqa: E402


def saved(folder: Path, **models: Any) -> dict[str, Path]:
    paths = {name: folder / f"{name}.onnx" for name in models}
    for name, path in paths.items():
        onnx.save(models[name], path)
    return paths


def recipe_of(folder: Path, variant: Any, reference: Any) -> Any:
    paths = saved(folder, variant=variant, reference=reference)
    return recognise(*(OnnxModel(paths[name], name) for name in ("variant", "reference")))


def apart(model: Any, reference: Any) -> float:
    return float(np.abs(samples_of(model) - samples_of(reference)).max())


# ------------------------------------------------------------------------------------------- made again
@pytest.mark.parametrize(
    "options", [DynamicInt8(), DynamicInt8(signed=True), DynamicInt8(per_channel=True), DynamicInt8(reduce_range=True)]
)
def test_dynamic_int8_is_made_again_with_chosen_nodes_in_fp32(tmp_path, options):
    reference = graph()
    recipe = recipe_of(tmp_path, to_int8(graph(), options), reference)
    nodes = [part.name for part in recipe.parts]
    assert nodes == ["/enc/pre/Conv", BROKEN, "/dec/more/Conv", "/dec/post/Conv"]
    assert [part.cost for part in recipe.parts] == [768, 768, 768, 12288]
    assert apart(recipe.build(nodes), reference) == 0
    kept = Counter(node.op_type for node in recipe.build([BROKEN]).graph.node)
    assert (kept["Conv"], kept["ConvInteger"]) == (1, 3)


def test_a_node_that_was_left_out_of_the_quantization_stays_left_out(tmp_path):
    recipe = recipe_of(tmp_path, to_int8(graph(), kept=["/enc/pre/Conv"]), graph())
    assert [part.name for part in recipe.parts] == [BROKEN, "/dec/more/Conv", "/dec/post/Conv"]
    assert "/enc/pre/Conv" in recipe.line([BROKEN])


def lookup() -> Any:
    """A table, a product and a general one, as a text front end has them."""
    random = np.random.default_rng(2)
    weights = {"table": (64, 16), "up": (16, 16), "out": (8, 16)}
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["embedded"], "/emb/Gather"),
        helper.make_node("MatMul", ["embedded", "up"], ["wide"], "/up/MatMul"),
        helper.make_node("Gemm", ["wide", "out", "bias"], ["y"], "/out/Gemm", transB=1),
    ]
    inside = helper.make_graph(
        nodes,
        "lookup",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8])],
        [
            *(
                numpy_helper.from_array(random.normal(0, 1, size).astype(np.float32), name)
                for name, size in weights.items()
            ),
            numpy_helper.from_array(np.ones(8, np.float32), "bias"),
        ],
    )
    return helper.make_model(inside, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_what_quantize_dynamic_takes_by_default_is_known_tables_and_general_products_too(tmp_path):
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(lookup(), tmp_path / "default.onnx")
    recipe = recipe_of(tmp_path, onnx.load(tmp_path / "default.onnx"), lookup())
    assert [part.name for part in recipe.parts] == ["/emb/Gather", "/up/MatMul", "/out/Gemm"]
    assert [part.cost for part in recipe.parts] == [3 * 64 * 16, 3 * 16 * 16, 3 * 8 * 16]
    kept = {node.op_type for node in recipe.build([part.name for part in recipe.parts]).graph.node}
    assert not kept & {"MatMulInteger", "DynamicQuantizeLinear", "DequantizeLinear"}


def test_the_printed_line_builds_the_hybrid(tmp_path, monkeypatch):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    recipe = recipe_of(tmp_path, to_int8(graph()), graph())
    monkeypatch.chdir(tmp_path)
    eval(recipe.line([BROKEN]), {"quantize_dynamic": quantize_dynamic, "QuantType": QuantType})
    built = onnx.load("restored-variant.onnx")
    assert built.SerializeToString(deterministic=True) == recipe.build([BROKEN]).SerializeToString(deterministic=True)


@pytest.mark.parametrize("mended", [True, False])
def test_half_precision_is_made_again_with_chosen_modules_in_fp32(tmp_path, mended):
    """Weights beyond 10,000 are cut off by the converter: what they belong to must stay in fp32."""
    reference = graph()
    big = next(one for one in reference.graph.initializer if one.name == "dec.post.weight")
    waves = numpy_helper.to_array(big) * np.float32(4e5)
    waves[:, 2:] = 0  # two channels of 20,000 stay within what half precision holds
    big.CopyFrom(numpy_helper.from_array(waves, big.name))
    copy = onnx.ModelProto()
    copy.CopyFrom(reference)
    recipe = recipe_of(tmp_path, to_float16(copy, mended=mended), reference)
    assert {"/dec/post", "/dec/mid", "(Transpose)"} <= {part.name for part in recipe.parts}
    loud = float(np.abs(samples_of(reference)).max())
    assert apart(recipe.build(()), reference) > 0.2 * loud
    assert apart(recipe.build(["/dec/post"]), reference) < 0.01 * loud
    assert apart(recipe.build([part.name for part in recipe.parts]), reference) == 0
    assert "'/dec/post/Conv'" in recipe.line(["/dec/post"])


def test_initializers_are_exchanged_where_the_graph_is_the_same(tmp_path):
    broken = graph()
    one = next(one for one in broken.graph.initializer if one.name == "dec.more.weight")
    one.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one) * 0, one.name))
    recipe = recipe_of(tmp_path, broken, graph())
    assert [part.name for part in recipe.parts] == ["dec.more.weight"]
    assert apart(recipe.build(()), graph()) > 0 and apart(recipe.build(["dec.more.weight"]), graph()) == 0


def test_what_cannot_be_made_again_is_one_line(tmp_path):
    other = to_int8(graph(outlier=3.0))
    with pytest.raises(ConfigError, match=r"quantize_dynamic of the second does not give the first \(\d of \d+ init"):
        recipe_of(tmp_path, other, graph())
    with pytest.raises(ConfigError, match="convert_float_to_float16 of the second does not give the first"):
        recipe_of(tmp_path, to_float16(graph(outlier=3.0)), graph())
    fewer = graph()
    fewer.graph.node[1].op_type = "Sigmoid"
    with pytest.raises(ConfigError, match="they part at node /enc/pre/Tanh") as raised:
        recipe_of(tmp_path, fewer, graph())
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "it has no nodes"), (b"GGUF\xff\xff", "voice.onnx is no ONNX model")]
)
def test_a_file_that_is_no_graph_is_one_line(tmp_path, content, told):
    (tmp_path / "voice.onnx").write_bytes(content)
    with pytest.raises(ConfigError, match=told) as raised:
        OnnxModel(tmp_path / "voice.onnx", "bisect: voice")
    assert len(str(raised.value).splitlines()) == 1
    with pytest.raises(ConfigError, match=r"none\.onnx cannot be read"):
        OnnxModel(tmp_path / "none.onnx", "bisect: voice")


def test_a_model_that_is_not_handed_on_is_refused(tmp_path):
    paths = saved(tmp_path, right=graph(), wrong=to_int8(graph()))
    file = variants_of(tmp_path, paths)
    file.write_text(file.read_text().replace('"{model}"', '"right.onnx"'))
    right, wrong = (next(one for one in load_variants(file) if one.name == name) for name in ("right", "wrong"))
    with pytest.raises(ConfigError, match="wrong does not hand its model on"):
        OnnxExchange(wrong, right)


def test_nodes_are_named_by_whole_branches():
    of = ["/dec/ups.0/Conv", "/dec/res.1/a/Conv", "/dec/res.1/b/Conv", "/enc/Conv", "/enc/MatMul"]
    assert named_paths(["/dec/res.1/b/Conv", "/dec/res.1/a/Conv", "/enc/Conv"], of) == "/dec/res.1/* (2), /enc/Conv"
    assert named_paths(of[:3], of) == "/dec/* (3)"


# ------------------------------------------------------------------------------------------- spoken
def plan_of(folder: Path, variant: str, **models: Any) -> Plan:
    voices = {one.name: one for one in load_variants(variants_of(folder, saved(folder, **models)))}
    chunk = Chunk("c0", "He was in there, and it was late.")
    return Plan(
        suite="bisect",
        corpus=make_corpus("one", [chunk], "test"),
        variants=(voices["right"], voices[variant]) if variant != "right" else (voices["right"],),
        selection=dict.fromkeys(voices, (chunk.id,)),
        reports=folder / "reports",
        reference=voices["right"],
        experiment={"bisect": {"generations": 1, "search": 0, "verify": 0}},
        quiet_chunks=0,
    )


def test_the_broken_node_is_named_and_a_kill_on_the_way_changes_nothing(tmp_path):
    plan = plan_of(tmp_path, "wrong", right=graph(), wrong=to_int8(graph()))
    with pytest.raises(KeyboardInterrupt):
        run_bisect(plan, KilledAfterTrials(3), None)
    (path,) = [one for one in plan.reports.iterdir() if (one / "manifest.json").is_file() and not one.is_symlink()]
    resumed = run_bisect(plan, Quiet(), path)
    with Run.open(resumed) as run:
        (claim,) = run.claims()
        measured = Counter(tuple(event.data["restored"]) for event in run.events(MEASURED))
        asked = Counter((one.variant, one.arm, one.chunk_id) for one in run.attempts())
    assert set(measured.values()) == {1}
    assert set(asked.values()) == {1} and len(asked) == 2 + len(measured)  # the reference twice
    assert claim.details["word"] == "restored" and claim.details["restored"] == [BROKEN]
    assert "1 of 4 differing nodes, +0.00 MB" in claim.statement
    assert "to keep the last 1 of 4 convolutions (+0.01 MB) does not restore it" in claim.statement
    assert claim.details["line"].startswith("quantize_dynamic('right.onnx', 'restored-wrong.onnx'")
    hybrid = onnx.load(resumed / "hybrids" / "hybrid-wrong.onnx")
    assert [node.name for node in hybrid.graph.node if node.op_type == "Conv"] == [BROKEN]
    assert [one.name for one in (resumed / "hybrids").iterdir()] == ["hybrid-wrong.onnx"]


def test_a_voice_against_itself_has_nothing_to_find(tmp_path):
    file = variants_of(tmp_path, saved(tmp_path, right=graph()))
    (tmp_path / "texts.txt").write_text("He was in there.\n")
    asked = ["bisect", "right", "--against", "right", "--variants", str(file), "--chunks", "0"]
    asked += ["--corpus", str(tmp_path / "texts.txt"), "--reports", str(tmp_path / "r")]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 6, result.output
    assert "nothing to find: both speak the same samples" in result.output


def test_a_voice_that_does_not_repeat_itself_is_refused(tmp_path):
    file = variants_of(tmp_path, saved(tmp_path, right=graph(), wrong=to_int8(graph())))
    engine = tmp_path / "voice_engine.py"
    engine.write_text(engine.read_text().replace("return samples", "samples = samples + np.random.normal(0, 0.1, samples.shape)\n        return samples"))  # fmt: skip # noqa: E501
    asked = ["bisect", "wrong", "--against", "right", "--variants", str(file), "--chunks", "0", "--generations", "1"]
    result = CliRunner().invoke(main, [*asked, "--reports", str(tmp_path / "r")])
    assert result.exit_code == 4
    assert "right does not repeat itself" in result.output.splitlines()[-1]
