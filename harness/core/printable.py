"""Text of somebody else made safe to print: nothing in it moves a cursor, hides a line, or commands a CI runner."""

from __future__ import annotations

import re

# C0 and C1 control characters but tab and line end, what turns the direction of writing, separators of lines and
# paragraphs, lone surrogates.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_COMMAND = re.compile(r"(?m)^(\s*)::")  # GitHub: a line that begins so
_OLD_COMMAND = re.compile(r"##(?=\[|vso\[|teamcity\[)")  # GitHub and Azure: anywhere in a line


def printable(text: str) -> str:
    """Return ``text`` with control characters escaped (``\\x1b``) and commands to CI runners made plain text."""
    safe = _CONTROL.sub(_escaped, text)
    return _OLD_COMMAND.sub(r"#\\#", _COMMAND.sub(r"\1\\::", safe))


def printable_line(text: str) -> str:
    """Return ``text`` on one line, as :func:`printable`; line ends and tabs in it are escaped too."""
    return printable(text.replace("\n", "\\n").replace("\t", "\\t"))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
