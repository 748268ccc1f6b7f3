"""Count what crosses the package's borders without a type: ``python -m tools.borders`` (reads by string key, ``Any``).

A read by string key is ``x["key"]``, or ``x.get("key")``, ``pop`` and ``setdefault``, outside of annotations.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "harness"
_READS = ("get", "pop", "setdefault")
_SHOWN = 25


def string_key_reads(tree: ast.AST) -> int:
    """Return how often a value is read by a literal string key."""
    return sum(_is_read(node) for node in ast.walk(tree))


def uses_of_any(tree: ast.AST) -> int:
    """Return how often ``Any`` is named, imports left out."""
    return sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(tree))


def _is_read(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript):
        annotation = isinstance(node.value, ast.Name) and node.value.id in ("Literal", "cast")
        return _is_text(node.slice) and not annotation
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        return node.func.attr in _READS and _is_text(node.args[0])
    return False


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def main() -> None:
    """Print both counts, outside of ``store/`` and within, and the files with the most reads."""
    reads: Counter[str] = Counter()
    anys: Counter[str] = Counter()
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = str(path.relative_to(ROOT))
        reads[name], anys[name] = string_key_reads(tree), uses_of_any(tree)
    stored = sum(count for name, count in reads.items() if name.startswith("store/"))
    print(f"reads by string key: {reads.total() - stored} outside store/, {stored} in it")
    print(f"uses of Any: {anys.total()}")
    for name, count in reads.most_common(_SHOWN):
        print(f"{count:5d}  {name}")


if __name__ == "__main__":
    main()
