"""Count the packages of the harness and the arrows between them: ``python -m tools.arrows``, the thinnest arrow first.

An arrow is a package of which any module imports from another package, in a function or for types as well. Behind each
arrow stand the imported names, and how many imports there are. Modules beside the packages (``terminal.py``) are none.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from pathlib import Path

HARNESS = Path(__file__).resolve().parents[1] / "harness"
SHOWN = 4  # names


def arrows(folder: Path) -> dict[tuple[str, str], Counter[str]]:
    """Return what each package takes from each other one: name -> number of modules that import it."""
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    taken: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for package in packages:
        for path in sorted((folder / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module:
                    parts = node.module.split(".")
                    names = [alias.name for alias in node.names]
                    if parts == [folder.name]:  # from harness import stats
                        for name in packages.intersection(names) - {package}:
                            taken[package, name][name] += 1
                    elif parts[0] == folder.name and parts[1] in packages - {package}:
                        taken[package, parts[1]].update(f"{'.'.join([*parts[2:], name])}" for name in names)
    return taken


def main() -> int:
    """Print the arrows and their number."""
    taken = arrows(HARNESS)
    for (package, other), names in sorted(taken.items(), key=lambda item: (item[1].total(), item[0])):
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        print(f"{names.total():4} {package} -> {other}: {', '.join(list(names)[:SHOWN])}{more}")
    print(f"{len(list(HARNESS.glob('*/__init__.py')))} packages, {len(taken)} arrows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
