"""Check that rooms stay small: no file of more than 300 lines, no function of more than 40.

Run as ``python -m tools.sizes`` (part of ``tox -e lint``). Exits 1 and prints a line for each that is larger.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("harness", "tools")
FILE_LINES, FUNCTION_LINES = 300, 40


def too_large(path: Path, name: str) -> Iterator[str]:
    """Yield a line for the file and for each function of it that is too long, its signature and docstring counted."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{name}: {lines} lines, more than {FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {size} lines, more than {FUNCTION_LINES}"


def main() -> int:
    """Print what is too large and return the exit code."""
    problems = [
        problem
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for problem in too_large(path, path.relative_to(ROOT).as_posix())
    ]
    print("\n".join(problems), end="\n" if problems else "")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
