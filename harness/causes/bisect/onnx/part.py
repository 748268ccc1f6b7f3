"""What can be left in fp32: nodes or an initializer of a graph."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GraphPart:
    """Something of a graph that can be left in fp32. ``nodes`` or the initializer of that name; ``cost`` in bytes."""

    name: str
    operators: tuple[str, ...]
    cost: int
    nodes: tuple[str, ...] = ()
