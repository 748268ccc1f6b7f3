"""The same graph with other numbers: initializers are exchanged."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from harness.causes.bisect.onnx.alike import contents_of
from harness.causes.bisect.onnx.model import OnnxModel
from harness.causes.bisect.onnx.part import GraphPart

if TYPE_CHECKING:
    from onnx import ModelProto


class InitializerRecipe:
    """The same graph with other numbers in some initializers."""

    noun = "initializers"

    def __init__(self, variant: OnnxModel, reference: OnnxModel) -> None:
        self._variant, self._reference = variant, reference
        readers: dict[str, set[str]] = {}
        for node in variant.nodes:
            for name in node.input:
                readers.setdefault(name, set()).add(node.op_type)
        self.parts = [
            GraphPart(name, tuple(sorted(readers.get(name, ()))), 0)
            for name, one in variant.initializers.items()
            if contents_of(one) != contents_of(reference.initializers[name])
        ]

    def build(self, restored: Collection[str]) -> ModelProto:
        """Return the variant with these initializers of the reference."""
        model = self._variant.copy()
        for one in model.graph.initializer:
            if one.name in restored:
                one.CopyFrom(self._reference.initializers[one.name])
        return model

    def line(self, restored: Collection[str]) -> str:
        """Return nothing: the hybrid that is kept is the model."""
        return ""
