"""TOML files that a user writes: variants, limits, plans (layer 1)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from harness.errors import ConfigError


def read_text(path: Path, what: str) -> str:
    """The text of a file; ``what`` it is stands in the message. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the {what} ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the {what} is not UTF-8 (byte {error.start})") from None


def parse(path: Path, text: str) -> dict[str, Any]:
    """The tables of a text that was read from ``path``. Raises ConfigError naming line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a file. Raises ConfigError."""
    return parse(path, read_text(path, what))
