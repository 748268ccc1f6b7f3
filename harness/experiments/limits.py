"""The margins of a suite: its own table of ``limits.toml`` as a type, checked before anything is spoken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.core.errors import ConfigError, first_problem, refuse_unknown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Margins = TypeVar("Margins", bound=DataclassInstance)
else:
    Margins = TypeVar("Margins")


def suite_limits(kind: type[Margins], tables: Mapping[str, Mapping[str, object]], suite: str) -> Margins:
    """Return the table of ``suite`` as ``kind``, a dataclass; keys that are not given keep its defaults.

    Raises ConfigError naming the table and the key for one that ``kind`` lacks or whose value it cannot hold.
    """
    given = dict(tables.get(suite, {}))
    where = f"limits: {suite}"
    refuse_unknown(where, given, (field.name for field in fields(kind)))
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_problem(error)}") from None
