"""Check names: one public name, one module of the harness; and no local variable anywhere whose name tells nothing.

Run as ``python -m tools.names`` (part of ``tox -e lint``). Exits 1 and prints a line for each name that breaks a rule.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("harness", "suites", "tests", "tools")
# A past participle tells neither the type nor the content of what it names.
VAGUE = frozenset({"found", "made", "seen", "held", "known", "says"})


def public_definitions(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the public functions and classes at the top level of a module, overloaded ones once."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    yield from dict.fromkeys(n.name for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_"))


def vague_locals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each function-local variable with a vague name, once a function."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first: dict[str, int] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in VAGUE:
                first.setdefault(node.id, node.lineno)
        yield from ((line, name) for name, line in first.items())


def main() -> int:
    """Print what breaks a rule and return the exit code."""
    homes: dict[str, list[str]] = defaultdict(list)
    vague: list[str] = []
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = path.relative_to(ROOT).as_posix()
        if place.startswith("harness/"):
            for name in public_definitions(tree):
                homes[name].append(place)
        vague += [f"{place}:{line}: local variable {name!r}" for line, name in vague_locals(tree)]
    doubles = [f"{name}: {', '.join(places)}" for name, places in sorted(homes.items()) if len(places) > 1]
    for line in doubles:
        print(f"public name in two modules: {line}")
    for line in vague:
        print(line)
    return int(bool(doubles or vague))


if __name__ == "__main__":
    sys.exit(main())
