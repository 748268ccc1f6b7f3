"""Signs of comparison where they are said, and where they only point: ``a < b``, ``I <3 you``, ``File > Save``."""

from __future__ import annotations

import regex

from harness.text.units import COMMON_UNITS

SPOKEN_SIGNS = "<>≤≥≠≈~±♥→×"
"""The signs that :func:`written_comparisons` leaves in a text."""

_WRITTEN = [
    (regex.compile(pattern), sign)
    for pattern, sign in (
        (r"<?[-–=]>|[⇒⟶➔➜]", "→"),
        (r"<\s?=|[⩽≦]", "≤"),
        (r">\s?=|[⩾≧]", "≥"),
        (r"!=|=/=", "≠"),
        (r"\+/-|±", "±"),
        (r"(?<=\d)\s?[x×]\s?(?=\d)", "×"),
        (r"[≈≃≅]", "≈"),
        (r"~(?=\s?\d)", "~"),
    )
]
_HEART = regex.compile(r"(?<![\d<])</?3+(?![\d.,]*\d|\s?[%°])")
_WORD_AFTER = regex.compile(r"\s?(\p{L}+)")
_OPERAND_BEFORE = regex.compile(r"(?:\p{N}[%°]?|\)|(?<!\p{L})\p{L})\s?$")
_OPERAND_AFTER = regex.compile(r"\s?(?:[-+(]?[$€£]?\p{N}|\p{L}(?!\p{L}))")
_BRACKETED = regex.compile(r"(?<=\w)<([^<>\s]+)>(?!\w)")  # range<10>
_COMPARED = regex.compile("[<>]")
_NEARLY = regex.compile(r"~(?!\s?\d)")


def written_comparisons(text: str, optional: str) -> str:
    """Return the text with one sign for each comparison, and ``optional`` before those that a voice may leave out.

    A comparison stands beside a number or a single letter; between words ``>`` parts the entries of a menu, and ``<3``
    is a heart. Tags are to be taken out before.
    """
    text = _HEART.sub(lambda m: f" {optional}♥ " if _is_heart(text, m) else m[0], text)
    text = _BRACKETED.sub(r" \1 ", text)
    for pattern, sign in _WRITTEN:
        text = pattern.sub(f" {optional if sign == '→' else ''}{sign} ", text)
    text = _COMPARED.sub(lambda m: f" {'' if _is_comparison(text, m) else optional}{m[0]} ", text)
    return str(_NEARLY.sub(" ", text))


def _is_heart(text: str, match: regex.Match[str]) -> bool:
    following = _WORD_AFTER.match(text, match.end())
    if following and following[1].lower() in COMMON_UNITS:  # "<3 kg"
        return False
    before = text[: match.start()].rstrip()
    return not _OPERAND_BEFORE.search(before) or before[-2:].strip().casefold() in ("i", "u")


def _is_comparison(text: str, match: regex.Match[str]) -> bool:
    before = _OPERAND_BEFORE.search(text, max(0, match.start() - 4), match.start())
    return before is not None or _OPERAND_AFTER.match(text, match.end()) is not None
