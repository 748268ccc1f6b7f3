"""Secrets behind a second writing: marks that are not shown, lines that are folded, addresses encoded as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_plus

# Escapes of a terminal; signs of no width, and the zeros between the letters of a text that was UTF-16.
_UNSEEN = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|[\x00\xad\u200b-\u200f\u2060-\u2064\ufeff]"
)
# Letters of Cyrillic and Greek that look like Latin ones.
_ALIKE = str.maketrans("\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u03bf\u03b1\u03c1", "aeopcyxisoap")
_FOLD = re.compile(r"\\\n[^\S\n]*")
_LINE = re.compile(r"(?:[^\n]*\\\n)*[^\n]*")  # one line, with those that a backslash folds onto it
_ENCODED = re.compile(r"[^\s\"'<>]*%(?:25)*[0-9A-Fa-f]{2}[^\s\"'<>]*")
_ROUNDS = 3  # an address within an address within an address


def redact_unseen(text: str, redacted: Callable[[str], str]) -> str:
    """Return ``text`` with the lines redacted whose hidden marks kept a secret from being recognized."""
    if text.isascii() and "\\\n" not in text and _UNSEEN.search(text) is None:
        return text
    return _LINE.sub(lambda match: _bared(match.group(), redacted), text)


def _bared(line: str, redacted: Callable[[str], str]) -> str:
    plain = _FOLD.sub("", _UNSEEN.sub("", line)).translate(_ALIKE)
    if plain == line:
        return line
    clean = redacted(plain)
    return clean if clean != plain else line


def redact_encoded(text: str, redacted: Callable[[str], str]) -> str:
    """Return ``text`` with every percent-encoded word decoded and redacted that has a secret in it."""
    if "%" not in text:
        return text
    return _ENCODED.sub(lambda match: _decoded(match.group(), redacted), text)


def _decoded(word: str, redacted: Callable[[str], str]) -> str:
    plain = word
    for _ in range(_ROUNDS):
        again = unquote_plus(plain, errors="surrogateescape")
        if again == plain:
            break
        plain = again
        clean = redacted(plain)
        if clean != plain:
            return clean
    return word
