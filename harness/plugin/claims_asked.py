"""The claims that tests ask for by name, checked when the tests are collected: a misspelled one costs no run."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable

import pytest

from harness.core.errors import ConfigError
from harness.core.suites import Suite


def unknown_claims(items: Iterable[pytest.Item], suite: Suite) -> list[str]:
    """Return a line for each claim that a test function names and the suite does not make.

    Looks for calls of ``soak.claim(..., "name")`` with the name written out; a name that is computed is checked when
    the test runs.
    """
    functions = {item.function: item for item in items if isinstance(item, pytest.Function)}
    lines = []
    for function, item in functions.items():
        source, first = inspect.getsourcelines(function)
        for number, name in claims_named(textwrap.dedent("".join(source))):
            try:
                suite.check_claim(name, f"{item.path}:{first + number - 1}")
            except ConfigError as problem:
                lines.append(str(problem))
    return lines


def claims_named(source: str) -> Iterable[tuple[int, str]]:
    """Yield line (from 1) and name of each claim that Python source asks for by a name written out."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "claim"):
            continue
        name = node.args[1] if len(node.args) > 1 else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield node.lineno, name.value
