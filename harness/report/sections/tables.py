"""The Markdown that experiments write, as blocks for the page: tables and lines, nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_RULE = re.compile(":?-{3,}:?")


@dataclass(frozen=True, slots=True)
class Block:
    """A line of text, or a table (``heads`` is not empty)."""

    text: str = ""
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def blocks(text: str) -> list[Block]:
    """Parse tables and paragraphs; emphasis is dropped, everything else stays text (the page escapes it)."""
    parts: list[Block] = []
    table: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            table.append([_plain(cell) for cell in line.strip().strip("|").split("|")])
            continue
        if table:
            parts.append(_table(table))
            table = []
        if line.strip():
            parts.append(Block(text=_plain(line.lstrip("# "))))
    return parts


def _table(lines: list[list[str]]) -> Block:
    heads, *rows = lines
    width = len(heads)
    body = rows[1:] if rows and all(_RULE.fullmatch(cell) for cell in rows[0]) else rows
    return Block(heads=heads, rows=[(row + [""] * width)[:width] for row in body])


def _plain(text: str) -> str:
    return text.replace("**", "").replace("`", "").strip()
