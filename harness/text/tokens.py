"""Cutting a text of any language into the words, numbers and signs that are spoken."""

from __future__ import annotations

from functools import cache, lru_cache

import regex

from harness.text.characters import fold_case, fold_characters
from harness.text.markup import marked_text
from harness.text.scripts import primary
from harness.text.signs import CURRENCIES_BY_SIGN, OPTIONAL_SIGNS, REAL, decimal_marks
from harness.text.spoken_forms import spoken_forms

OPTIONAL = "\ue000"
"""Before a token that may be left out: words in square brackets, names of emoji, signs that are not always spoken."""

_SIGNS = regex.escape("".join(CURRENCIES_BY_SIGN))
_SPLIT_ELISION = frozenset({"fr", "it", "ca", "oc", "co", "ga", "br", "wa", "lij", "pms", "sc", "fur"})


@cache
def _pattern(language: str) -> regex.Pattern[str]:
    point, group = decimal_marks(language)
    between = "[ ']" if group.strip() in ("", "'") else regex.escape(group)
    number = rf"\d{{1,3}}(?:{between}\d{{3}})+(?!\d)(?:{regex.escape(point)}\d+)?|\d+(?:{regex.escape(point)}\d+)?"
    endings = spoken_forms(language).ordinal_ending
    return regex.compile(
        rf"(?<money>(?:[{_SIGNS}]\s?(?:{number})|(?:{number})\s?[{_SIGNS}]))"
        rf"|(?<percent>(?:{number})\s?[%٪])"
        r"|(?<clock>(?<![\d:.])(?:[01]?\d|2[0-4])(?:[:h][0-5]\d(?![\d:])(?:\s?(?:uhr|uur|น\.)(?![\p{L}\p{M}]))?|\.[0-5]\d\s?(?:uhr|uur)\b))"
        r"|(?<fraction>(?<![\d/])\d{1,2}/\d{1,2}(?![\d/]))"
        rf"|(?<ordinal>\d+(?:{endings})(?![\p{{L}}\p{{M}}]))"
        rf"|(?<minus>(?<![\p{{L}}\p{{M}}\d.,)\]-]\s?)-(?:{number}))"
        rf"|(?<number>{number})"
        r"|(?<dotted>(?<![\p{L}\p{M}])\p{L}\p{M}*\.(?:\s?\p{L}\p{M}*\.)+(?:\p{L}\p{M}*(?![\p{L}\p{M}]))?)"
        rf"|(?<word>{OPTIONAL}?[\p{{L}}\p{{M}}]+(?:['\"][\p{{L}}\p{{M}}]+)*)"
        r"|(?<sign>°[cf](?!\p{L})|[&@#+=%°/*×–″′"
        rf"{_SIGNS}]|(?<=[\p{{L}}\d])\.(?=\p{{L}}{{2}})|(?<=\d)-(?=\d))"
        r"|(?<emoji>\p{Extended_Pictographic})"
    )


def spoken_tokens(text: str, language: str = "", letters: bool = False) -> list[str]:
    """Return what is spoken of a text, in order and in lower case; what may be left out starts with ``OPTIONAL``.

    Numbers stand in one form whatever their separators (``1250.5``), with what belongs to them: ``20%``, ``5€``,
    ``10:30``, ``1/2``, ``-5``, and ``3.`` for an ordinal. ``letters``: words are cut into letters with their marks.
    """
    return list(_tokens(text, language, letters))


@lru_cache(maxsize=4096)  # scorers, detectors and limits ask for the same texts over and over
def _tokens(text: str, language: str, letters: bool) -> tuple[str, ...]:
    folded = fold_case(fold_characters(marked_text(text, OPTIONAL)), language).replace("r$", REAL)
    point, group = decimal_marks(language)
    tokens: list[str] = []
    for match in _pattern(language).finditer(folded):
        kind, token = str(match.lastgroup), match[0]
        if kind == "word":
            tokens += _word(token, language, letters)
        elif kind == "dotted":
            tokens.append(regex.sub(r"[.\s]", "", token))
        elif kind == "sign":
            token = "–" if token == "-" else token  # between numbers
            tokens.append(OPTIONAL + token if token in OPTIONAL_SIGNS else token)
        elif kind == "emoji":
            tokens += emoji_words(token)
        elif kind == "clock":
            hour, minute = regex.findall("[0-9]+", token)
            tokens.append(f"{int(hour)}:{minute}")
        elif kind == "ordinal":
            tokens.append(f"{regex.match('[0-9]+', token)[0]}.")
        else:
            tokens.append(_number(token, point, group))
    return tuple(tokens)


def _number(token: str, point: str, group: str) -> str:
    """Write a number with a point and without groups, a currency behind it."""
    sign = "".join(c for c in token if c in CURRENCIES_BY_SIGN)
    plain = "".join(c for c in token if c not in CURRENCIES_BY_SIGN).replace("٪", "%")
    plain = regex.sub(r"\s|'", "", plain)
    if group.strip() and group != "'":
        plain = plain.replace(group, "")
    return f"{plain.replace(point, '.')}{sign}"


def _word(token: str, language: str, letters: bool) -> list[str]:
    optional = token.startswith(OPTIONAL)
    apart = " " if primary(language) in _SPLIT_ELISION else ""
    words = regex.sub("['\"]", apart, token.lstrip(OPTIONAL)).split()
    if letters:
        words = [letter for word in words for letter in regex.findall(r"\X", word)]
    return [OPTIONAL + word for word in words] if optional else words


def has_emoji(text: str) -> bool:
    """Return whether a text holds an emoji or another pictograph."""
    return regex.search(r"\p{Extended_Pictographic}", text) is not None


def emoji_words(character: str) -> list[str]:
    """Return the words of an emoji's Unicode name as optional tokens: some voices read it, most leave it out."""
    import unicodedata

    name = unicodedata.name(character, "").lower().replace("-", " ")
    return [OPTIONAL + word for word in name.split()]
