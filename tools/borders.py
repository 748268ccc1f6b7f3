"""Count what crosses the package's borders without a type: ``python -m tools.borders`` (reads by string key, ``Any``).

A read by string key is ``x["key"]``, or ``x.get("key")``, ``pop`` and ``setdefault``. mypy tells what ``x`` is, and
only a payload counts: a value of type ``Any``, or a mapping whose values are plain data (JSON, numbers, arrays).
Reads that are no border are counted beside it, by kind: a TypedDict, whose keys mypy checks; a mapping of records of
classes; and another class that takes strings (a table of pandas, a match of a regular expression, HTTP headers, XML,
``os.environ``). ``Any`` is counted wherever it is named.
Takes about a minute, because mypy has to see the whole tree.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from mypy.build import BuildResult, build
from mypy.main import process_options
from mypy.nodes import CallExpr, Expression, IndexExpr, MemberExpr, MypyFile, Node, StrExpr
from mypy.types import AnyType, Instance, NoneType, Type, TypedDictType, TypeVarType, UnionType, get_proper_type

ROOT = Path(__file__).resolve().parents[1]
PAYLOAD, TYPED = "payload", "TypedDict"
_READS = ("get", "pop", "setdefault")
_DICTS = ("builtins.dict", "typing.Mapping", "typing.MutableMapping")
_MAPPINGS = (*_DICTS, "collections.defaultdict", "collections.Counter")
_SCALARS = ("builtins.str", "builtins.int", "builtins.float", "builtins.bool", "builtins.object")
_SERIES = ("builtins.list", "builtins.tuple", "typing.Sequence", "typing.Iterable", "numpy.ndarray")
_PLAIN = (*_SCALARS, *_SERIES, *_MAPPINGS)

# What a node refers to rather than holds: following it leads into other modules.
_ELSEWHERE = frozenset({"node", "info", "type", "unanalyzed_type", "analyzed", "names", "original_def", "setter"})


def key_reads(module: MypyFile, types: Mapping[Expression, Type]) -> dict[str, list[int]]:
    """Return the lines of a module that read by a literal string key, by the kind of what is read."""
    lines: dict[str, list[int]] = defaultdict(list)
    for node in _nodes(module):
        receiver: Expression | None = None
        if isinstance(node, IndexExpr) and isinstance(node.index, StrExpr):
            receiver = node.base
        elif isinstance(node, CallExpr) and isinstance(node.callee, MemberExpr) and node.args:
            by_key = node.callee.name in _READS and isinstance(node.args[0], StrExpr)
            receiver = node.callee.expr if by_key else None
        if receiver is not None and receiver in types:  # not in it: code that is never reached, an annotation
            lines[kind_of(types[receiver])].append(node.line)
    return lines


def _nodes(module: MypyFile) -> Iterator[Node]:
    """Yield each node under a module once. mypy's own visitors are compiled and cannot be inherited from."""
    waiting: list[object] = list(module.defs)
    visited: set[int] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, Node) and id(value) not in visited:
            visited.add(id(value))
            yield value
            waiting += (getattr(value, name, None) for name in _parts(type(value)))


@cache
def _parts(kind: type) -> tuple[str, ...]:
    return tuple(name for name in dir(kind) if not name.startswith("_") and name not in _ELSEWHERE)


def kind_of(kind: Type) -> str:
    """Return PAYLOAD, TYPED, or the name of the class that a string key is read from."""
    proper = get_proper_type(kind)
    if isinstance(proper, TypedDictType):
        return TYPED
    if isinstance(proper, UnionType):
        kinds = {kind_of(item) for item in proper.items if not isinstance(get_proper_type(item), NoneType)}
        return PAYLOAD if PAYLOAD in kinds or not kinds else min(kinds)
    if isinstance(proper, Instance):
        mapping = next((base for base in proper.type.mro if base.fullname in _MAPPINGS), None)
        if mapping is None or proper.type.fullname not in _MAPPINGS:
            return proper.type.fullname
        return PAYLOAD if _is_plain(proper.args[-1] if proper.args else proper) else "mapping of records"
    return PAYLOAD


def _is_plain(kind: Type) -> bool:
    proper = get_proper_type(kind)
    if isinstance(proper, AnyType | NoneType | TypeVarType):
        return True
    if isinstance(proper, UnionType):
        return any(_is_plain(item) for item in proper.items if not isinstance(get_proper_type(item), NoneType))
    if isinstance(proper, Instance):
        content = proper.args[-1] if proper.args and proper.type.fullname in _DICTS else None
        return proper.type.fullname in _PLAIN and (content is None or _is_plain(content))
    return not isinstance(proper, TypedDictType)


def uses_of(name: str, tree: ast.AST) -> int:
    """Return how often ``name`` is named, imports left out."""
    return sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def checked_tree() -> BuildResult:
    """Return the harness as mypy sees it, with a type for each expression."""
    sources, options = process_options(["--config-file", str(ROOT / "pyproject.toml")])
    options.export_types = options.preserve_asts = True
    options.incremental = False
    return build(sources, options)


def main() -> None:
    """Print the counts, outside of ``store/`` and within, and each file's; with ``--lines`` each payload's lines."""
    kinds: Counter[str] = Counter()
    payload: dict[str, list[int]] = {}
    anys: Counter[str] = Counter()
    result = checked_tree()
    for module in (one for name, one in sorted(result.files.items()) if name.split(".")[0] == "harness"):
        name = str(Path(module.path).resolve().relative_to(ROOT / "harness"))
        lines = key_reads(module, result.types)
        payload[name] = sorted(lines.pop(PAYLOAD, []))
        tree = ast.parse((ROOT / "harness" / name).read_text(encoding="utf-8"))
        anys[name] = uses_of("Any", tree)
        if not name.startswith("store/"):
            kinds.update({kind: len(where) for kind, where in lines.items()})
    stored = sum(len(lines) for name, lines in payload.items() if name.startswith("store/"))
    print(f"payloads read by string key: {sum(map(len, payload.values())) - stored} outside store/, {stored} in it")
    print("read by string key, but no payload: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    print(f"uses of Any: {anys.total()}")
    for name in sorted(payload, key=lambda one: (-len(payload[one]), -anys[one], one)):
        if payload[name] or anys[name]:
            shown = "  " + " ".join(map(str, payload[name])) if "--lines" in sys.argv else ""
            print(f"{len(payload[name]):5d} reads {anys[name]:4d} Any  {name}{shown}")


if __name__ == "__main__":
    main()
