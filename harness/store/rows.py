"""Rows on their way into the journal: values by column become cells, in the order of the table's columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.core.errors import CannotStore
from harness.store.cells import Cell, sealed_cells, to_cell
from harness.store.schema import TABLES

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowTail:
    """What a row holds behind its owner, and the same as the bytes that the row's checksum is taken of.

    A detector says the same of thousands of chunks; then only id and owner differ, and the rest is sealed once.
    """

    cells: tuple[Cell, ...]
    sealed: bytes


def row_cells(table: str, values: Row, first: int = 0) -> list[Cell]:
    """Return the cells of a row from its column ``first`` on. Raises CannotStore naming the column."""
    cells: list[Cell] = []
    for name, kind in TABLES[table].columns[first:]:
        try:
            cells.append(to_cell(kind, values.get(name)))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise CannotStore(f"{table}.{name} cannot be stored ({error})") from error
    return cells


def row_tail(table: str, values: Row) -> RowTail:
    """Return a row without its first column, the owner. Raises CannotStore naming the column."""
    cells = row_cells(table, values, 1)
    return RowTail(tuple(cells), sealed_cells(cells))
