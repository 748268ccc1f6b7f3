"""What ``-k`` caught that was not meant, and what it should have said when it caught nothing.

``-k`` matches parts of names, whatever their case, over variants and chunk ids alike: ``-k q4_k`` takes ``q4_k_s`` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from harness.core.errors import nearest
from harness.plugin.selection import SuiteCase, SuiteContext

_OPERATORS = ("and", "or", "not", "true", "false")
_SHOWN = 5


def names_in_expression(expression: str) -> list[str]:
    """Return the names in an expression of ``-k``, without its operators."""
    return [word for word in re.findall(r"[^\s()]+", expression) if word.lower() not in _OPERATORS]


def also_caught(
    expression: str, kept: Iterable[SuiteCase], variants: Sequence[str], chunks: Sequence[str]
) -> list[str]:
    """Return a line for each whole name in the expression that took others along."""
    words = names_in_expression(expression)
    asks = list(kept)
    lines = []
    for kind, names, caught in (
        ("variant", variants, dict.fromkeys(ask.variant for ask in asks)),
        ("chunk", chunks, dict.fromkeys(ask.chunk_id for ask in asks)),
    ):
        whole = [word for word in words if word in names]
        partly = [word.lower() for word in words if word not in names]
        others = [
            name for name in caught if name not in whole and not any(part in name.lower() for part in partly)
        ] if whole else []  # fmt: skip
        if others:
            shown = ", ".join(others[:_SHOWN]) + (f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else "")
            exact = f"; --variant {whole[0]} takes that one alone" if kind == "variant" else ""
            lines.append(f"-k {expression!r} names the {kind} {whole[0]} and also takes {shown}{exact}")
    return lines


def meant(expression: str, variants: Sequence[str], chunks: Sequence[str]) -> str:
    """Return what to say where nothing was selected: the nearest name of each word that is part of none."""
    lines = []
    for word in names_in_expression(expression):
        names = [*variants, *chunks]
        if any(word.lower() in name.lower() for name in names):
            continue
        hint = nearest(word, names)
        told = hint if "did you mean" in hint else f" (variants: {', '.join(variants)})"
        lines.append(f"-k: no variant or chunk has {word!r} in its name{told}")
    return "; ".join(lines) or f"-k {expression!r} selects nothing: no chunk of a variant matches the whole of it"


def say_what_was_caught(session: pytest.Session, scenes: Mapping[Path, SuiteContext]) -> None:
    """Tell of an expression of ``-k`` that took more than it names, or nothing."""
    expression, reporter = session.config.option.keyword, session.config.pluginmanager.getplugin("terminalreporter")
    if not expression or reporter is None:
        return
    specs = [getattr(item, "callspec", None) for item in session.items]
    kept = [spec.params["chunk"] for spec in specs if spec is not None and "chunk" in spec.params]
    for folder, scene in scenes.items():
        names = [variant.name for variant in scene.variants], [chunk.id for chunk in scene.corpus.chunks]
        lines = also_caught(expression, kept, *names) if session.items else [meant(expression, *names)]
        for line in lines:
            reporter.write_line(f"{folder.name}: {line}", yellow=True)
