"""Cutting a text of any language into the words, numbers and signs that are spoken."""

from __future__ import annotations

from functools import cache, lru_cache

import regex

from harness.text.characters import fold_case, fold_characters
from harness.text.comparisons import SPOKEN_SIGNS, written_comparisons
from harness.text.identifiers import DIGIT, digits_apart
from harness.text.markup import marked_text
from harness.text.scripts import primary
from harness.text.signs import CURRENCIES_BY_SIGN, OPTIONAL_SIGNS, REAL, decimal_marks, sign_names
from harness.text.spoken_forms import spoken_forms
from harness.text.units import UNIT, unit_key, unit_pattern

OPTIONAL = "\ue000"
"""Before a token that may be left out: words in square brackets, names of emoji, signs that are not always spoken."""

_SIGNS = regex.escape("".join(CURRENCIES_BY_SIGN))
_SECONDS = regex.compile(r"(?<![\d:.,])([01]?\d|2[0-4]):([0-5]\d):([0-5]\d)(?![\d:]|[.,]\d)")
_RATIO = regex.compile(r"(?<![\d:.,])(\d+):(?=\d+(?![\d:]))")
_CLOCK_LIKE = regex.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d(?!\d)")
_SPLIT_ELISION = frozenset({"fr", "it", "ca", "oc", "co", "ga", "br", "wa", "lij", "pms", "sc", "fur"})


@cache
def _pattern(language: str) -> regex.Pattern[str]:
    point, group = decimal_marks(language)
    between = "[ ']" if group.strip() in ("", "'") else regex.escape(group)
    number = rf"\d{{1,3}}(?:{between}\d{{3}})+(?!\d)(?:{regex.escape(point)}\d+)?|\d+(?:{regex.escape(point)}\d+)?"
    endings = spoken_forms(language).ordinal_ending
    return regex.compile(
        rf"(?<digit>{DIGIT}\d)"
        rf"|(?<mark>{OPTIONAL}[{SPOKEN_SIGNS}+.‐/:&0])"
        rf"|(?<mark>{OPTIONAL}{UNIT}\p{{L}}+)"
        rf"|(?<unit>{unit_pattern(language).pattern})"
        rf"|(?<money>(?:[{_SIGNS}]\s?(?:{number})|(?:{number})\s?[{_SIGNS}]))"
        rf"|(?<percent>(?:{number})\s?[%٪])"
        r"|(?<clock>(?<![\d:.])(?:[01]?\d|2[0-4])(?:[:h][0-5]\d(?![\d:])(?:\s?(?:uhr|uur|น\.)(?![\p{L}\p{M}]))?|\.[0-5]\d\s?(?:uhr|uur)\b))"
        r"|(?<fraction>(?<![\d/])\d{1,2}/\d{1,2}(?![\d/]))"
        rf"|(?<ordinal>\d+(?:{endings})(?![\p{{L}}\p{{M}}]))"
        rf"|(?<minus>(?<![\p{{L}}\p{{M}}\d.,)\]-]\s?)-(?:{number}))"
        rf"|(?<number>{number})"
        r"|(?<dotted>(?<![\p{L}\p{M}])\p{L}\p{M}*\.(?:\s?\p{L}\p{M}*\.)+(?:\p{L}\p{M}*(?![\p{L}\p{M}]))?)"
        rf"|(?<word>{OPTIONAL}?[\p{{L}}\p{{M}}]+(?:['\"][\p{{L}}\p{{M}}]+)*)"
        r"|(?<sign>°[cf](?!\p{L})|[&@#+=%°/*×–″′<>≤≥≠≈~±"
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
    point, group = decimal_marks(language)
    folded = prepared_text(marked_text(text, OPTIONAL), language)
    folded = fold_case(folded, language).replace("r$", REAL)
    tokens: list[str] = []
    for match in _pattern(language).finditer(folded):
        kind, token = str(match.lastgroup), match[0]
        if kind == "word":
            tokens += _word(token, language, letters)
        elif kind == "dotted":
            tokens.append(regex.sub(r"[.\s]", "", token))
        elif kind == "sign":
            token = "–" if token == "-" else token  # between numbers
            unsaid = token in OPTIONAL_SIGNS or (token in SPOKEN_SIGNS and not sign_names(token, language))
            tokens.append(OPTIONAL + token if unsaid else token)
        elif kind in ("digit", "mark"):
            tokens.append(token)
        elif kind == "unit":
            tokens.append(UNIT + unit_key(token))
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


def prepared_text(text: str, language: str) -> str:
    """Return spoken text with comparisons, identifiers, seconds of a clock and ratios set apart for the tokens."""
    text = written_comparisons(fold_characters(text), OPTIONAL)
    text = digits_apart(text, OPTIONAL, decimal_marks(language)[1])
    text = _SECONDS.sub(_time_of_day, text)
    return str(_RATIO.sub(lambda m: m[0] if _CLOCK_LIKE.match(text, m.start()) else f"{m[1]} {OPTIONAL}: ", text))


def _time_of_day(match: regex.Match[str]) -> str:
    """Set hours, minutes and seconds apart; their names may be said: a time of day, or how long something took."""
    hour, minute, second = (str(int(part)) for part in match.groups())
    oh = f"{OPTIONAL}0 " if match[2][0] == "0" else ""
    also = f"{OPTIONAL}0 " if match[3][0] == "0" else ""
    hours, minutes, seconds = (f"{OPTIONAL}{UNIT}{unit}" for unit in ("h", "min", "sec"))
    return f" {hour} {hours} {oh}{minute} {minutes} {OPTIONAL}& {also}{second} {seconds} "


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


def plain_token(token: str) -> str:
    """Return a token as it is shown and compared, without the marks before it."""
    return token.lstrip(OPTIONAL + DIGIT + UNIT)


def has_emoji(text: str) -> bool:
    """Return whether a text holds an emoji or another pictograph."""
    return regex.search(r"\p{Extended_Pictographic}", text) is not None


def emoji_words(character: str) -> list[str]:
    """Return the words of an emoji's Unicode name as optional tokens: some voices read it, most leave it out."""
    import unicodedata

    name = unicodedata.name(character, "").lower().replace("-", " ")
    return [OPTIONAL + word for word in name.split()]
