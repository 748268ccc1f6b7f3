"""ONNX graphs in other number formats: full precision from dynamic int8, half precision, and dynamic int8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SHARED_MOST = 1024  # elements of a constant that gets a copy for every node that reads it
_NOT_FLOAT = ("Greater", "Less", "Equal", "Shape")
_INT8_NODES = ("MatMul", "Conv", "Gemm")


def to_float32(model: Any) -> int:
    """Put plain matrix products in the place of dynamically quantized ones; return how many.

    What ``quantize_dynamic`` wrote (DynamicQuantizeLinear, MatMulInteger, Cast, Mul by both scales) is undone with the
    weights as they were rounded: activations are no longer rounded, weights stay so.
    """
    graph = model.graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    producer = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    for node in products:
        quantized, weights, _, zero = node.input
        cast = readers[node.output[0]][0]
        scaled = readers[cast.output[0]][0]
        both = producer[next(name for name in scaled.input if name != cast.output[0])]
        scale = constants[next(name for name in both.input if name in constants)]
        name = f"{weights}_float"
        if name not in constants:
            constants[name] = ((constants[weights].astype(np.float32) - constants[zero]) * scale).astype(np.float32)
            graph.initializer.append(numpy_helper.from_array(constants[name], name))
        plain = helper.make_node(
            "MatMul", [producer[quantized].input[0], name], list(scaled.output), f"{node.name}_float"
        )
        place = list(graph.node).index(scaled)
        graph.node.remove(scaled)
        graph.node.insert(place, plain)
    _sweep(graph)
    onnx.checker.check_model(model)
    return len(products)


def _sweep(graph: Any) -> None:
    """Remove nodes and constants that nothing reads any more."""
    while True:
        read = {name for node in graph.node for name in node.input} | {one.name for one in graph.output}
        idle = [node for node in graph.node if not any(name in read for name in node.output)]
        if not idle:
            break
        for node in idle:
            graph.node.remove(node)
    read = {name for node in graph.node for name in node.input}
    for one in [one for one in graph.initializer if one.name not in read]:
        graph.initializer.remove(one)


def to_float16(model: Any) -> Any:
    """Return the model in half precision, inputs and outputs as they were (onnxconverter-common).

    What the converter leaves in conflict is put right: a constant that nodes of both precisions share, an output that
    the graph itself reads, and nodes that say float32 of themselves (Cast, RandomNormalLike).
    """
    from onnxconverter_common import float16

    graph = model.graph
    _copy_constants(graph)
    _part_outputs(graph)
    named = {node.name for node in graph.node if any(_says_float32(one) for one in node.attribute)}
    half = float16.convert_float_to_float16(model, keep_io_types=True)
    for node in half.graph.node:
        if node.name in named:
            for one in filter(_says_float32, node.attribute):
                one.i = TensorProto.FLOAT16
    return half


def _says_float32(attribute: Any) -> bool:
    return attribute.name in ("to", "dtype") and attribute.i == TensorProto.FLOAT


def _copy_constants(graph: Any) -> None:
    small = {
        one.name: one
        for one in graph.initializer
        if one.data_type == TensorProto.FLOAT and int(np.prod(one.dims)) <= _SHARED_MOST
    }
    met: set[str] = set()
    for number, node in enumerate(graph.node):
        for place, name in enumerate(node.input):
            if name in small and name in met:
                copy = numpy_helper.from_array(numpy_helper.to_array(small[name]), f"{name}_{number}_{place}")
                graph.initializer.append(copy)
                node.input[place] = copy.name
            met.add(name)


def _part_outputs(graph: Any) -> None:
    outputs = {one.name for one in graph.output}
    read = {name for node in graph.node for name in node.input} & outputs
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name in read:
                node.output[place] = f"{name}_within"
        for place, name in enumerate(node.input):
            if name in read:
                node.input[place] = f"{name}_within"
    for name in sorted(read):
        graph.node.append(helper.make_node("Identity", [f"{name}_within"], [name], f"{name}_out"))


def round_to_half(model: Any, part: str) -> int:
    """Round every float32 result of the nodes with ``part`` in their name to half precision; return how many.

    ONNX Runtime's CPU kernels compute sums and sines of fp16 in fp32 and round what they give, which is what this does.
    """
    graph = model.graph
    inside = [node for node in graph.node if part in node.name and node.op_type not in _NOT_FLOAT]
    for node in inside:
        exact = f"{node.output[0]}_exact"
        rounding = [
            helper.make_node("Cast", [exact], [f"{exact}_half"], f"{node.name}_half", to=TensorProto.FLOAT16),
            helper.make_node("Cast", [f"{exact}_half"], [node.output[0]], f"{node.name}_back", to=TensorProto.FLOAT),
        ]
        node.output[0] = exact
        place = list(graph.node).index(node) + 1
        for step in reversed(rounding):
            graph.node.insert(place, step)
    return len(inside)


def to_int8(source: Path, target: Path) -> None:
    """Write ``source`` with 8-bit weights and activations quantized as they come (ONNX Runtime's dynamic int8)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QUInt8, op_types_to_quantize=list(_INT8_NODES))
