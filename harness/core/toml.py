"""TOML files that a user writes: variants, limits, plans."""

from __future__ import annotations

from pathlib import Path

from harness.core.documents import TOML_LIMIT, parse_toml, read_utf8
from harness.core.errors import ConfigError


def read_toml_text(path: Path, what: str) -> str:
    """Return the text of a file; ``what`` it is stands in the message. Raises ConfigError."""
    return read_utf8(path, what, TOML_LIMIT)


def parse(path: Path, text: str) -> dict[str, object]:
    """Return the tables of a text that was read from ``path``. Raises ConfigError naming line and column."""
    return parse_toml(text, str(path))


def read_toml(path: Path, what: str) -> dict[str, object]:
    """Return the tables of a file. Raises ConfigError."""
    return parse(path, read_toml_text(path, what))


def read_tables(path: Path, what: str) -> dict[str, dict[str, object]]:
    """Return the tables of a file that holds nothing else at its top. Raises ConfigError for a key beside them."""
    tables: dict[str, dict[str, object]] = {}
    for name, content in read_toml(path, what).items():
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: {name} must be a table")
        tables[name] = content
    return tables
