"""Whether two graphs are the same, and where they part."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.causes.bisect.onnx.model import OnnxModel

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto


def contents_of(tensor: TensorProto) -> tuple[int, bytes]:
    """Return type and bytes of an initializer."""
    from onnx import numpy_helper

    return int(tensor.data_type), numpy_helper.to_array(tensor).tobytes()


def same_nodes(variant: OnnxModel, reference: OnnxModel) -> bool:
    """Return whether both are one graph whose initializers have the same names, types and shapes."""

    def form(model: OnnxModel) -> dict[str, tuple[int, tuple[int, ...]]]:
        return {name: (one.data_type, tuple(one.dims)) for name, one in model.initializers.items()}

    ours, theirs = variant.nodes, reference.nodes
    if len(ours) != len(theirs) or form(variant) != form(reference):
        return False
    return all(one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)
               for one, other in zip(ours, theirs, strict=True))  # fmt: skip


def same_model(built: ModelProto, variant: ModelProto) -> bool:
    """Return whether operators and stored numbers are the same, whatever they are called."""
    return _operators(built) == _operators(variant) and _contents(built) == _contents(variant)


def _operators(model: ModelProto) -> Counter[str]:
    return Counter(str(node.op_type) for node in model.graph.node)


def _contents(model: ModelProto) -> Counter[tuple[int, bytes]]:
    return Counter(contents_of(one) for one in model.graph.initializer)


def differences(built: ModelProto, variant: OnnxModel) -> str:
    """Return how what was made again differs from the variant, in few words."""
    ours, theirs = _operators(variant.proto), _operators(built)
    counts = [f"{ours[kind]} {kind} instead of {theirs[kind]}" for kind in sorted({*ours, *theirs}) if ours[kind] != theirs[kind]]  # fmt: skip # noqa: E501
    if counts:
        return ", ".join(counts[:3])
    other = sum((_contents(variant.proto) - _contents(built)).values())
    return f"{other} of {len(variant.initializers)} initializers hold other numbers"


def first_other(variant: OnnxModel, reference: OnnxModel) -> str:
    """Return where two graphs part, in few words."""
    for one, other in zip(variant.nodes, reference.nodes, strict=False):
        if one.SerializeToString(deterministic=True) != other.SerializeToString(deterministic=True):
            return f"they part at node {one.name}"
    if len(variant.nodes) != len(reference.nodes):
        return f"{len(variant.nodes)} nodes and {len(reference.nodes)}"
    return "initializers of other names, types or shapes"
