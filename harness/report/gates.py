"""Margins of the nightly comparison, from ``suites/nightly/limits.toml``. docs/nightly.md explains each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.core.errors import ConfigError, nearest
from harness.core.toml import read_tables


@dataclass(frozen=True, slots=True)
class Gates:
    """``gate`` False: everything is reported and nothing fails. ``last``: runs before this one that are pooled."""

    gate: bool = False
    level: float = 0.95
    last: int = 7
    new_faults_alpha: float = 0.05  # exact McNemar, two-sided; fails only where more are new than gone
    fault_rate_excess: float = 0.02  # Newcombe interval of the difference
    wer_excess: float = 0.01  # paired bootstrap over chunks
    slowdown: float = 0.10  # share of RTFx lost; bootstrap of the median ratio
    memory_growth: float = 0.10  # share of peak memory gained

    @classmethod
    def load(cls, path: Path | None) -> Gates:
        """Read a file; what is not there keeps its default, None: all defaults. Raises ConfigError naming the key."""
        if path is None:
            return cls()
        tables = read_tables(path, "limits file")
        for table in tables:
            if table != "gates":
                raise ConfigError(f"{path}: unknown table [{table}]{nearest(table, ['gates'])}")
        given = tables.get("gates", {})
        names = {field.name for field in fields(cls)}
        for key, value in given.items():
            if key not in names:
                raise ConfigError(f"{path}: gates: unknown key {key!r}{nearest(key, names)}")
            _check(f"{path}: gates.{key}", key, value)
        return TypeAdapter(cls).validate_python(given)


def _check(where: str, key: str, value: Any) -> None:
    if key == "gate":
        if not isinstance(value, bool):
            raise ConfigError(f"{where}: must be true or false, is {value!r}")
    elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigError(f"{where}: must be a number of 0 or more, is {value!r}")
    elif key == "last" and not isinstance(value, int):
        raise ConfigError(f"{where}: must be a whole number of runs, is {value!r}")
    elif key in ("level", "new_faults_alpha") and not 0 < value < 1:
        raise ConfigError(f"{where}: must lie between 0 and 1, is {value!r}")
