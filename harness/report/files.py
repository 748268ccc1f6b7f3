"""Files of a report, each replaced whole or not at all: a full disk leaves the page that was there."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text under a temporary name, then give it its own. Raises OSError, with nothing left behind."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
