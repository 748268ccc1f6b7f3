"""Half precision made again with nodes left in fp32 (``node_block_list`` of onnxconverter-common)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from harness.causes.bisect.onnx.model import OnnxModel, elements
from harness.causes.bisect.onnx.part import GraphPart
from harness.causes.bisect.onnx.precision import to_float16

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_FLOAT = 1  # TensorProto.FLOAT


class HalfRecipe:
    """onnxconverter-common's fp16; a part is a module, the nodes of one path, and else the nodes of one operator."""

    noun = "modules"

    def __init__(self, variant: OnnxModel, reference: OnnxModel, mended: bool) -> None:
        self._variant, self._reference, self._mended = variant, reference, mended
        self._keep_io = any(one.type.tensor_type.elem_type == _FLOAT for one in (*variant.proto.graph.input, *variant.proto.graph.output))  # fmt: skip # noqa: E501
        modules: dict[str, list[NodeProto]] = {}
        for node in reference.nodes:
            modules.setdefault(_module(node), []).append(node)
        counted: set[str] = set()
        self.parts = [
            GraphPart(name, tuple(sorted({node.op_type for node in nodes})), self._cost(nodes, counted),
                      tuple(node.name for node in nodes))
            for name, nodes in modules.items()
        ]  # fmt: skip

    def _cost(self, nodes: Sequence[NodeProto], counted: set[str]) -> int:
        """Bytes that these nodes' constants take more in fp32; each is counted once."""
        names = {name for node in nodes for name in node.input} - counted
        counted |= names
        initializers = [self._reference.initializers[name] for name in names if name in self._reference.initializers]
        return 2 * sum(elements(one) for one in initializers if one.data_type == _FLOAT)

    def build(self, restored: Collection[str]) -> ModelProto:
        """Return the reference in half precision, but for the nodes of these modules."""
        if len(restored) == len(self.parts):
            return self._reference.copy()  # the converter would still round the outputs
        return to_float16(self._reference.copy(), self._kept(restored), self._keep_io, self._mended)

    def _kept(self, restored: Collection[str]) -> list[str]:
        return [node for part in self.parts if part.name in restored for node in part.nodes]

    def line(self, restored: Collection[str]) -> str:
        """Return the call of ``convert_float_to_float16``; its list of nodes can be long."""
        return f"convert_float_to_float16(onnx.load({self._reference.path.name!r}), keep_io_types={self._keep_io}, node_block_list={self._kept(restored)!r})"  # fmt: skip # noqa: E501


def _module(node: NodeProto) -> str:
    """Return the path of a node without its last name; a node without a path counts to its operator."""
    path = str(node.name).rpartition("/")[0]
    return path or f"({node.op_type})"
