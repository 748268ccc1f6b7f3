"""Rows of a measurement, one JSON object a line: kept as they come, so that a command goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.stats import clopper_pearson

Row = dict[str, Any]


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a file, none where it is not there; a last one that was cut off by a kill is left out."""
    rows: list[Row] = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def append_row(file: Path, row: Row) -> None:
    """Add one row."""
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def share(answers: Sequence[bool]) -> str:
    """Return "19 of 20 (75% to 100%)"."""
    if not answers:
        return "-"
    low, high = clopper_pearson(sum(answers), len(answers))
    return f"{sum(answers)} of {len(answers)} ({low:.0%} to {high:.0%})"
