"""What is said of a machine so that it means something on another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def without_paths(value: Any) -> Any:
    """Return a value in which every absolute path is the name of its file: where it lay tells nobody anything."""
    if isinstance(value, str):
        return Path(value).name if value.startswith("/") and "\n" not in value and len(value) > 1 else value
    if isinstance(value, dict):
        return {key: without_paths(item) for key, item in value.items()}
    return [without_paths(item) for item in value] if isinstance(value, list | tuple) else value
