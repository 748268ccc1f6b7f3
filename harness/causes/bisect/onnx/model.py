"""An ONNX file opened: its nodes, all with names of their own, and its initializers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import ConfigError, need_packages

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

_NEEDED = ("onnx", "onnxruntime", "onnxconverter_common")


class OnnxModel:
    """Raises ConfigError, one line with ``where``, for a file that is no ONNX model, and MissingExtra without onnx."""

    def __init__(self, path: Path, where: str) -> None:
        need_packages("'tts-soak[engines]'", *_NEEDED)
        import onnx
        from google.protobuf.message import DecodeError

        self.path = path
        try:
            self.proto = onnx.load(path)
        except OSError as error:
            raise ConfigError(f"{where}: {path.name} cannot be read ({error.strerror or error})") from None
        except (DecodeError, ValueError, onnx.checker.ValidationError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise ConfigError(f"{where}: {path.name} is no ONNX model: {why}") from None
        if not self.proto.graph.node:
            raise ConfigError(f"{where}: {path.name} is no ONNX model: it has no nodes")
        name_nodes(self.proto.graph.node)

    def copy(self) -> ModelProto:
        """Return a model of its own with the same content."""
        import onnx

        model = onnx.ModelProto()
        model.CopyFrom(self.proto)
        return model

    @property
    def nodes(self) -> list[NodeProto]:
        """Return the nodes in the order of the file, in which every node comes after those that it reads."""
        return list(self.proto.graph.node)

    @cached_property
    def initializers(self) -> dict[str, TensorProto]:
        """Return them by name."""
        return {one.name: one for one in self.proto.graph.initializer}

    @cached_property
    def producers(self) -> dict[str, NodeProto]:
        """Return the node that computes each value."""
        return {name: node for node in self.nodes for name in node.output}

    def operators(self) -> set[str]:
        """Return kinds of its nodes."""
        return {node.op_type for node in self.nodes}


def name_nodes(nodes: Iterable[NodeProto]) -> None:
    """Give a name to every node without one, or with another's."""
    met: set[str] = set()
    for number, node in enumerate(nodes):
        if not node.name or node.name in met:
            node.name = f"{node.name or node.op_type}_{number}"
        met.add(node.name)


def elements(tensor: TensorProto) -> int:
    """Return the count of numbers in an initializer."""
    count = 1
    for size in tensor.dims:
        count *= int(size)
    return count
