"""Which parts of a graph are measured together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.causes.bisect.onnx.part import GraphPart


def groups_of(parts: Sequence[GraphPart]) -> Mapping[str, tuple[str, ...]]:
    """Return the groups that each part is of: its operator and the first two levels of its path.

    Groups of one part, of all parts, and of the same parts as another are left out: they would be measured in vain.
    """
    members: dict[str, list[str]] = {}
    for part in parts:
        for group in _labels(part):
            members.setdefault(group, []).append(part.name)
    met: set[tuple[str, ...]] = set()
    groups: dict[str, tuple[str, ...]] = {part.name: () for part in parts}
    for group, names in members.items():
        if not 1 < len(names) < len(parts) or tuple(names) in met:
            continue
        met.add(tuple(names))
        for name in names:
            groups[name] = (*groups[name], group)
    return groups


def _labels(part: GraphPart) -> Iterator[str]:
    yield f"operator {part.operators[0]}" if len(part.operators) == 1 else "several operators"
    path = part.name if "/" in part.name else part.name.replace(".", "/")  # of a node, or of an initializer
    levels = [one for one in path.split("/") if one]
    yield from ("/".join(levels[:depth]) for depth in range(1, min(3, len(levels))))


def last_convolutions(parts: Sequence[GraphPart], bytes_most: int) -> tuple[list[str], int]:
    """Return the last convolutions that cost ``bytes_most`` together, one at least, and how many there are."""
    convolutions = [part for part in parts if {"Conv", "ConvTranspose"} & set(part.operators)]
    chosen: list[str] = []
    cost = 0
    for part in reversed(convolutions):
        if chosen and cost + part.cost > bytes_most:
            break
        chosen.append(part.name)
        cost += part.cost
    return chosen, len(convolutions)
