"""Causes planted in model files: one tensor of a lower precision, two blocks swapped, one embedding row zeroed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from harness.causes.bisect.hybrid import write_hybrid, write_model
from harness.causes.bisect.model_file import GgufModel

EMBEDDING = "token_embd.weight"


def plant_quantized(model: GgufModel, lower: GgufModel, tensor: str, target: Path) -> frozenset[str]:
    """Write ``model`` with one tensor as ``lower`` stores it; return the tensors that are wrong."""
    write_hybrid(model, lower, {tensor}, target)
    return frozenset([tensor])


def plant_swap(model: GgufModel, first: int, second: int, target: Path) -> frozenset[str]:
    """Write ``model`` with two of its blocks in each other's place; return the tensors that are wrong."""
    tensors: dict[str, Any] = {}
    moved = set()
    for name in model.tensors:
        source = name
        for own, other in ((first, second), (second, first)):
            if name.startswith(f"blk.{own}."):
                source = name.replace(f"blk.{own}.", f"blk.{other}.", 1)
                moved.add(name)
        tensors[name] = model.raw(source)
    write_model(model, tensors, target)
    return frozenset(moved)


def plant_zero_row(model: GgufModel, row: int, target: Path) -> frozenset[str]:
    """Write ``model`` with one row of its embeddings zero; return the tensor that is wrong."""
    tensors: dict[str, Any] = {name: model.raw(name) for name in model.tensors}
    raw = tensors[EMBEDDING]
    data = np.array(raw.data)
    data[row] = 0
    tensors[EMBEDDING] = SimpleNamespace(data=data, tensor_type=raw.tensor_type)
    write_model(model, tensors, target)
    return frozenset([EMBEDDING])
