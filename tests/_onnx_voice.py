"""A small voice as an ONNX graph, spoken by onnxruntime in an interpreter of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

BROKEN = "/dec/mid/Conv"  # what 8 bits for all weights break
ENGINE = """import numpy as np
import onnxruntime

class Voice:
    def __init__(self, model):
        self.session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def speak(self, text):
        letters = np.eye(16, dtype=np.float32)[np.frombuffer(text.encode(), np.uint8) % 16]
        (samples,) = self.session.run(None, {"letters": letters.T[None]})
        return samples.reshape(-1), 16000
"""
VARIANT = """[variants.{name}]
adapter = "python"
model = "{model}"
seed_policy = "none"
[variants.{name}.settings]
python = "{python}"
setup = "voice_engine.py:Voice"
setup_arguments = {{ model = "{{model}}" }}
call = ":speak"
arguments = {{ text = "{{text}}" }}
sample_rate = 16000

"""


def graph(outlier: float = 400.0) -> Any:
    """Letters to samples by four convolutions. One holds a weight of ``outlier`` that nothing ever reaches.

    Rounded to 8 bits with that weight in the scale, all others of its tensor are lost.
    """
    random = np.random.default_rng(5)
    times = np.arange(256) / 16_000
    pitches = 200.0 * 1.3 ** np.arange(16)
    waves = np.sin(2 * np.pi * pitches[None] * times[:, None]).astype(np.float32) * 0.05
    pre, mid, more = (random.normal(0, 0.4, (16, 16, 1)).astype(np.float32) for _ in range(3))
    pre[15] = 0.0  # channel 15 is silent
    mid[0, 15] = outlier
    weights = {"enc.pre": pre, "dec.mid": mid, "dec.more": more, "dec.post": waves[:, :, None]}
    nodes = []
    value = "letters"
    for name in weights:
        path = "/" + name.replace(".", "/")
        nodes.append(helper.make_node("Conv", [value, f"{name}.weight"], [f"{path}/Conv_output"], f"{path}/Conv"))
        value = f"{path}/Conv_output"
        if name != "dec.post":
            nodes.append(helper.make_node("Tanh", [value], [f"{path}/Tanh_output"], f"{path}/Tanh"))
            value = f"{path}/Tanh_output"
    nodes.append(helper.make_node("Transpose", [value], ["samples"], "/Transpose", perm=[0, 2, 1]))
    inside = helper.make_graph(
        nodes,
        "voice",
        [helper.make_tensor_value_info("letters", TensorProto.FLOAT, [1, 16, "n"])],
        [helper.make_tensor_value_info("samples", TensorProto.FLOAT, [1, "n", 256])],
        [numpy_helper.from_array(array, f"{name}.weight") for name, array in weights.items()],
    )
    return helper.make_model(inside, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def variants_of(folder: Path, models: dict[str, Path]) -> Path:
    """Write the engine and a variants file with one variant a model; return the file."""
    (folder / "voice_engine.py").write_text(ENGINE)
    file = folder / "voices.toml"
    file.write_text("".join(VARIANT.format(name=name, model=path, python=sys.executable) for name, path in models.items()))  # fmt: skip # noqa: E501
    return file


def samples_of(model: Any, text: str = "He was in there.") -> np.ndarray:
    """Return what the graph computes of a text."""
    from onnxruntime import InferenceSession

    letters = np.eye(16, dtype=np.float32)[np.frombuffer(text.encode(), np.uint8) % 16]
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"letters": letters.T[None]})[0].reshape(-1)
