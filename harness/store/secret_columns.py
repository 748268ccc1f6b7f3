"""Secrets whose name stands in another line: at the head of a column, or of a section."""

from __future__ import annotations

import re

from harness.store.secret_names import certain
from harness.store.secret_shapes import MARK

_HEAD = re.compile(r"(?im)^[^\n]*(?:pass|secret|api_?key|token|credential)[^\n]*$")
_SECTION = re.compile(
    r"(?im)^([^\S\n]*\[[\w.-]*(?:secrets?|credentials?|passwords?)\][^\S\n]*\n)((?:(?![^\S\n]*\[)[^\n]*(?:\n|\Z))+?)"
    r"(?=[^\S\n]*\[|\n|\Z)"
)
_SETTING = re.compile(r"(?m)^([^\S\n]*[\w.-]+[^\S\n]*[=:][^\S\n]*)(?!\[redacted\])[^\n]+")
_NAME = re.compile(r"\s*[\"']?[A-Za-z][\w .-]{0,40}[\"']?\s*")


def redact_columns(text: str) -> str:
    """Return ``text`` with the cells of CSV and the settings of INI replaced that stand below a secret-looking name."""
    text = _SECTION.sub(lambda match: match[1] + _SETTING.sub(rf"\1{MARK}", match[2]), text)
    if "\n" not in text or _HEAD.search(text) is None:
        return text
    lines = text.split("\n")
    for place, line in enumerate(lines[:-1]):
        separator = next((sign for sign in ",;\t" if sign in line), None)
        if separator is None or not _HEAD.match(line):
            continue
        names = line.split(separator)
        secret = [number for number, name in enumerate(names) if certain(name.strip(" \"'"))]
        if secret and all(_NAME.fullmatch(name) for name in names):
            _below(lines, place + 1, separator, len(names), secret)
    return "\n".join(lines)


def _below(lines: list[str], first: int, separator: str, width: int, secret: list[int]) -> None:
    """Replace those cells in the lines of the same width that follow."""
    for place in range(first, len(lines)):
        cells = lines[place].split(separator)
        if len(cells) != width:
            return
        for number in secret:
            if cells[number].strip():
                cells[number] = MARK
        lines[place] = separator.join(cells)
