"""Check that tests mirror the tree: a test lies where its module lies, and a test names every public module.

A test of ``harness/engine/early.py`` is ``tests/engine/test_early.py`` or ``test_early_....py``, one of a whole package
is named after it, and those of ``tools/`` are under ``tests/tools/``. What drives several packages at once lies in the
folders of ``ACROSS``. A module is named by a test at its place, by a test that imports it, by a detector's name in a
test, or by being a part of such a module: imported by it from the same folder, or loaded by it from a string.

Run as ``python -m tools.mirror`` (part of ``tox -e lint``). Exits 1 and prints a line for each that breaks a rule.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
# Tests of what users do with several packages at once.
ACROSS = frozenset({"integration"})


def mirrored(test: PurePosixPath) -> PurePosixPath:
    """Return the folder that a test module, relative to ``tests/``, is about, relative to the clone."""
    return test.parent if test.parts[0] == "tools" else PurePosixPath("harness") / test.parent


def misplaced(test: PurePosixPath) -> str | None:
    """Return what is wrong with the place of a test module, given relative to ``tests/``; None where nothing is."""
    if test.parts[0] in ACROSS:
        return None
    folder = ROOT / mirrored(test)
    if not (folder / "__init__.py").is_file():
        return f"tests/{test}: there is no package {mirrored(test)}"
    modules = {p.stem.lstrip("_") for p in folder.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    subject = test.stem.removeprefix("test_")
    if any(f"{subject}_".startswith(f"{module}_") for module in modules | {folder.name}):
        return None
    return f"tests/{test}: {mirrored(test)} has no module whose name this one begins with"


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a module imports, those imported from a module with it: ``a.b`` and ``a.b.c``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    packages = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "harness"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in packages:
            yield f"{packages[node.value.id]}.{node.attr}"


def strings(tree: ast.Module) -> Iterator[str]:
    """Yield the string constants of a module."""
    yield from (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def tests_of(module: str) -> list[Path]:
    """Return the test modules at the place that mirrors a module's; those of a package are named after it."""
    *folders, stem = module.removeprefix("harness.").split(".")
    stem = folders[-1] if stem == "__init__" and folders else stem
    mirror = TESTS.joinpath(*folders)
    return [*mirror.glob(f"test_{stem}.py"), *mirror.glob(f"test_{stem}_*.py")]


class Harness:
    """The modules of the harness by their dotted names, and what each brings with it."""

    def __init__(self) -> None:
        self.trees = {
            ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
            for path in sorted((ROOT / "harness").rglob("*.py"))
        }
        # names that a package passes on, and where from
        self.onward = {
            f"{module.removesuffix('.__init__')}.{alias.asname or alias.name}": f"{node.module}.{alias.name}"
            for module, tree in self.trees.items()
            if module.endswith(".__init__")
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }

    def modules(self, tree: ast.Module) -> set[str]:
        """Return the modules that a file imports, each name followed through the packages that pass it on."""
        names = set(imported(tree))
        for name in list(names):
            while (name := self.onward.get(name, "")) and name not in names:
                names |= {name, name.rpartition(".")[0]}
        return {m for name in names for m in (name, f"{name}.__init__") if m in self.trees}

    def parts(self, module: str) -> set[str]:
        """Return the modules that belong to one: imported from its folder, or loaded by a string.

        What a package's ``__init__.py`` passes on are parts of it only where a test is named after the package.
        """
        tree, folder = self.trees[module], module.rpartition(".")[0]
        loaded = {match[1] for text in strings(tree) if (match := re.fullmatch(r"(harness\.[\w.]+)(:\w+)?", text))}
        near = self.modules(tree) if not module.endswith(".__init__") or tests_of(module) else ()
        return {m for m in near if m.rpartition(".")[0] == folder} | (loaded & self.trees.keys())


def untested() -> Iterator[str]:
    """Yield the dotted name of each public module of the harness that no test names."""
    harness = Harness()
    named: set[str] = set()
    for path in TESTS.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named |= harness.modules(tree)
        named |= {f"harness.detectors.{text.replace('-', '_')}" for text in strings(tree)} & harness.trees.keys()
    named |= {module for module in harness.trees if tests_of(module)}
    new = named
    while new:
        new = {part for module in new for part in harness.parts(module)} - named
        named |= new
    yield from (m for m in harness.trees if m not in named and not m.rpartition(".")[2].startswith("_"))


def main() -> int:
    """Print what breaks a rule and return the exit code."""
    tests = [PurePosixPath(path.relative_to(TESTS).as_posix()) for path in sorted(TESTS.rglob("test_*.py"))]
    problems = [problem for test in tests if (problem := misplaced(test))]
    problems += [f"{module}: no test names it" for module in untested()]
    print("\n".join(problems), end="\n" if problems else "")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
