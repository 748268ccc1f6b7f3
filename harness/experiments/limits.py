"""The margins of a suite: its own table of ``limits.toml`` as a type, checked before anything is spoken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from harness.core.documents import parse_model
from harness.core.errors import refuse_unknown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Margins = TypeVar("Margins", bound=DataclassInstance)
else:
    Margins = TypeVar("Margins")


def suite_limits(kind: type[Margins], tables: Mapping[str, Mapping[str, object]], suite: str) -> Margins:
    """Return the table of ``suite`` as ``kind``, a dataclass; keys that are not given keep its defaults.

    Raises ConfigError naming the table and the key for one that ``kind`` lacks or whose value it cannot hold.
    """
    return table_as(kind, tables.get(suite, {}), f"limits: {suite}")


def table_as(kind: type[Margins], given: Mapping[str, object], where: str, *, strict: bool = False) -> Margins:
    """Return one table as :func:`suite_limits` does; ``strict`` takes no text for a number and no number for text."""
    refuse_unknown(where, given, (field.name for field in fields(kind)))
    return parse_model(kind, dict(given), where, strict=strict)
