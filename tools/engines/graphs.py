"""ONNX graphs in other number formats: full precision from dynamic int8, and a part alone rounded to half."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_NOT_FLOAT = ("Greater", "Less", "Equal", "Shape")


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
