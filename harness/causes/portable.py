"""What is said of a machine so that it means something on another one."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")


def without_paths(value: T) -> T:
    """Return a value in which every absolute path is the name of its file: where it lay tells nobody anything."""
    return cast(T, _without(value))  # texts become texts and tables tables


def _without(value: object) -> object:
    if isinstance(value, str):
        return Path(value).name if value.startswith("/") and "\n" not in value and len(value) > 1 else value
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items()}
    return [_without(item) for item in value] if isinstance(value, list | tuple) else value
