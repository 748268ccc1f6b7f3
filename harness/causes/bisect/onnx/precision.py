"""ONNX graphs in other number formats, with chosen nodes left in fp32: half precision and dynamic int8."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.causes.bisect.onnx.model import elements, name_nodes

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto

_SHARED_MOST = 1024  # elements of a constant that gets a copy for every node that reads it
INT8_NODES = ("MatMul", "Conv", "Gemm")


@dataclass(frozen=True, slots=True)
class DynamicInt8:
    """Options of ONNX Runtime's ``quantize_dynamic``."""

    operators: tuple[str, ...] = INT8_NODES
    signed: bool = False
    per_channel: bool = False
    reduce_range: bool = False


def to_int8(model: ModelProto, options: DynamicInt8 | None = None, kept: Collection[str] = ()) -> ModelProto:
    """Return the model with 8-bit weights and activations quantized as they come, nodes ``kept`` as they are."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    options = options or DynamicInt8()
    with tempfile.TemporaryDirectory(prefix="tts-soak-int8-") as folder:
        target = Path(folder) / "int8.onnx"
        logger = logging.getLogger()
        level = logger.level
        logger.setLevel(logging.ERROR)  # it advises to optimize the graph before, which would be another graph
        try:
            quantize_dynamic(
                model,
                target,
                op_types_to_quantize=list(options.operators),
                weight_type=QuantType.QInt8 if options.signed else QuantType.QUInt8,
                per_channel=options.per_channel,
                reduce_range=options.reduce_range,
                nodes_to_exclude=excluded_names(kept),
            )
        finally:
            logger.setLevel(level)
        return onnx.load(target)


def excluded_names(kept: Collection[str]) -> list[str]:
    """Return what ``nodes_to_exclude`` needs: a Gemm becomes a MatMul of another name before it is looked at."""
    return [name for node in kept for name in (node, f"{node}_MatMul")]


def to_float16(
    model: ModelProto, kept: Collection[str] = (), keep_io_types: bool = True, mended: bool = True
) -> ModelProto:
    """Return the model in half precision (onnxconverter-common), nodes ``kept`` in fp32. ``model`` is changed.

    What the converter leaves in conflict is put right: a constant that nodes of both precisions share and, where
    ``mended``, an output that the graph itself reads, and nodes that say float32 of themselves (Cast,
    RandomNormalLike).
    """
    from onnxconverter_common import float16

    graph = model.graph
    name_nodes(graph.node)
    if kept or mended:
        _copy_constants(graph, kept, mended)
    if mended:
        _part_outputs(graph)
    saying = {node.name for node in graph.node if any(_says_float32(one) for one in node.attribute)} - set(kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a line for every constant that half precision cannot hold
        half = float16.convert_float_to_float16(model, keep_io_types=keep_io_types, node_block_list=list(kept))
    for node in half.graph.node:
        if mended and node.name in saying:
            for one in filter(_says_float32, node.attribute):
                one.i = 10  # TensorProto.FLOAT16
    return half


def _says_float32(attribute: AttributeProto) -> bool:
    return attribute.name in ("to", "dtype") and attribute.i == 1  # TensorProto.FLOAT


def _copy_constants(graph: GraphProto, kept: Collection[str], small: bool) -> None:
    """Give nodes a copy each of the constants they share: of small ones, and of others where some readers are kept."""
    from onnx import TensorProto, numpy_helper

    readers: dict[str, set[bool]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.name in kept)
    shared = {
        one.name: one
        for one in graph.initializer
        if one.data_type == TensorProto.FLOAT
        and ((small and elements(one) <= _SHARED_MOST) or len(readers.get(one.name, ())) > 1)
    }
    met: dict[tuple[str, bool | int], str] = {}
    for number, node in enumerate(graph.node):
        for place, name in enumerate(node.input):
            if name not in shared:
                continue
            one = shared[name]
            own = number if small and elements(one) <= _SHARED_MOST else node.name in kept
            first = not any(key[0] == name for key in met)
            if (name, own) not in met:
                met[name, own] = name if first else f"{name}_{number}_{place}"
                if not first:
                    graph.initializer.append(numpy_helper.from_array(numpy_helper.to_array(one), met[name, own]))
            node.input[place] = met[name, own]


def _part_outputs(graph: GraphProto) -> None:
    from onnx import helper

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
