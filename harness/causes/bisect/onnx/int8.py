"""Dynamic int8 made again with nodes left in fp32 (``nodes_to_exclude`` of ONNX Runtime)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from harness.causes.bisect.onnx.model import OnnxModel, elements
from harness.causes.bisect.onnx.part import GraphPart
from harness.causes.bisect.onnx.precision import DynamicInt8, excluded_names, to_int8

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_INTEGER = {"MatMulInteger", "ConvInteger", "DequantizeLinear", "DynamicQuantizeLSTM", "QAttention", "QGemm"}
_SCALING = {"Mul", "Add", "Cast", "Reshape"}  # what stands between such a product and the value that it gives


class Int8Recipe:
    """ONNX Runtime's dynamic quantization; a part is a weight with all nodes that read it, named by the first."""

    noun = "nodes"

    def __init__(self, variant: OnnxModel, reference: OnnxModel, reduce_range: bool) -> None:
        self._variant, self._reference = variant, reference
        quantized = [node for node in reference.nodes if _is_quantized(node, variant)]
        scales = [one for name, one in variant.initializers.items() if name.endswith("_scale")]
        types = [one.data_type for name, one in variant.initializers.items() if name.endswith("_quantized")]
        self._options = DynamicInt8(
            tuple(sorted({node.op_type for node in quantized})),
            signed=3 in types,  # TensorProto.INT8
            per_channel=any(elements(one) > 1 for one in scales),
            reduce_range=reduce_range,
        )
        by_weight: dict[str, list[NodeProto]] = {}
        for node in quantized:
            weight = next((name for name in node.input if name in reference.initializers), node.name)
            by_weight.setdefault(weight, []).append(node)
        self.parts = [
            GraphPart(
                nodes[0].name, (nodes[0].op_type,), 3 * self._elements(weight), tuple(node.name for node in nodes)
            )
            for weight, nodes in by_weight.items()
        ]
        changed = {node.name for node in quantized}
        self._base = [node.name for node in reference.nodes if node.op_type in self._options.operators and node.name not in changed and self._weighted(node)]  # fmt: skip # noqa: E501

    def _elements(self, weight: str) -> int:
        one = self._reference.initializers.get(weight)
        return elements(one) if one is not None else 0

    def _weighted(self, node: NodeProto) -> bool:
        return any(name in self._reference.initializers for name in node.input)

    def _kept(self, restored: Collection[str]) -> list[str]:
        return [*self._base, *(node for part in self.parts if part.name in restored for node in part.nodes)]

    def build(self, restored: Collection[str]) -> ModelProto:
        """Return the reference quantized anew, but for these nodes."""
        return to_int8(self._reference.copy(), self._options, self._kept(restored))

    def line(self, restored: Collection[str]) -> str:
        """Return the call of ``quantize_dynamic``."""
        options, source = self._options, self._reference.path.name
        kept = self._kept(restored)
        exclude = excluded_names(kept) if "Gemm" in options.operators else kept
        return (
            f"quantize_dynamic({source!r}, {'restored-' + self._variant.path.name!r}, "
            f"op_types_to_quantize={list(options.operators)!r}, "
            f"weight_type=QuantType.{'QInt8' if options.signed else 'QUInt8'}, per_channel={options.per_channel}, "
            f"reduce_range={options.reduce_range}, nodes_to_exclude={exclude!r})"
        )


def _is_quantized(node: NodeProto, variant: OnnxModel) -> bool:
    """Return whether the value of a reference's node comes from integers in the variant."""
    producers = variant.producers
    value, maker = node.output[0], producers.get(node.output[0])
    if maker is None:
        return f"{value}_quantized" in producers  # nobody needs it but as integers
    if maker.op_type == node.op_type:
        return False
    if node.op_type == "Gemm" and f"{value}_MatMul" in producers:
        maker = producers[f"{value}_MatMul"]
    todo, met = [maker], set[str]()
    while todo:
        one = todo.pop()
        if one.op_type in _INTEGER:
            return True
        if one.op_type in _SCALING and one.name not in met:
            met.add(one.name)
            todo += [producers[name] for name in one.input if name in producers]
    return False
