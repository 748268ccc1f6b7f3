"""Numbers as they are said, in the eighty languages of Unicode's spell-out rules (through unicode-rbnf).

A number that is written in digits has several right readings (gender, case, year, digit by digit); all of them are
given, so that a transcript may hold any.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from harness.text.scripts import ANOTHER_TAG, primary

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

LARGEST = 999_999_999_999
_SAME_RULES = {**ANOTHER_TAG, "nb": "no", "tl": "fil", "in": "id"}
_PRIVATE = re.compile(r"financial|-year|digits-|days|priv|smaller|larger|x02|-ones$|-tens$|fraction")
# "one hundred" is "hundert" where the one is not said.
_LEADING_ONE = re.compile(r"(?:ein(?=hundert|tausend)|одн(?:а|ой|у) (?=тысяч)|одна (?=тисяч)|jeden (?=tysiąc))")
_ORDINAL_YEARS = frozenset({"ru", "uk", "be", "bg", "pl", "cs", "sk", "sr", "hr", "sl"})
_YEARS_BY_DIGITS = frozenset({"zh", "cmn", "yue"})
_ROMAN = re.compile(r"(?=[ivxlc])(?:c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_ROMAN_WORDS = frozenset({"i", "c", "l", "mi", "li", "di", "vi", "ci", "il", "lii", "mix", "xi", "ic"}) - {"vi", "xi"}
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


@cache
def _engine(language: str) -> RbnfEngine | None:
    """Return the rules of a language, or None where Unicode has none."""
    from unicode_rbnf import RbnfEngine

    short = _SAME_RULES.get(primary(language), primary(language))
    return RbnfEngine.for_language(short) if short in RbnfEngine.get_supported_languages() else None


@cache
def _rules(language: str, ordinal: bool) -> tuple[str, ...]:
    engine = _engine(language)
    names = [str(n) for n in engine.rulesets if str(n).startswith("spellout-")] if engine is not None else []
    word = "ordinal" if ordinal else ("numbering", "cardinal", "construct")
    return tuple(n for n in names if not _PRIVATE.search(n) and n.removeprefix("spellout-").startswith(word))


def _say(value: float, language: str, rules: tuple[str, ...]) -> list[str]:
    engine = _engine(language)
    if engine is None or not rules:
        return []
    try:
        spoken = engine.format_number(value, ruleset_names=list(rules))
    except (ValueError, KeyError, IndexError, RecursionError):
        return []
    return list(dict.fromkeys(str(text) for text in spoken.text_by_ruleset.values()))


@lru_cache(maxsize=16384)
def number_readings(digits: str, language: str, ordinal: bool = False) -> tuple[str, ...]:
    """Return how a number may be said, the usual way first; nothing for a language without rules.

    ``digits``: ASCII digits, perhaps with a decimal point and a leading minus. ``ordinal`` asks for ordinals only.
    """
    if _engine(language) is None or not re.fullmatch(r"-?\d+(?:\.\d+)?", digits):
        return ()
    if "." in digits or digits.startswith("-"):
        return tuple(_decimals(digits, language))
    if len(digits) > len(str(LARGEST)):
        return (one_by_one(digits, language),)
    value, readings = int(digits), list[str]()
    if ordinal:
        return tuple(_say(value, language, _rules(language, True)))
    plain = len(digits) == 1 or digits[0] != "0"
    if plain and len(digits) == 4 and 1100 <= value < 2100:
        readings += _years(value, language)
    if plain:
        readings += _say(value, language, _rules(language, False))
    if plain and len(digits) == 4 and primary(language) in _ORDINAL_YEARS:
        readings += _say(value, language, _rules(language, True))
    readings += [shorter for r in readings if (shorter := _LEADING_ONE.sub("", r, count=1)) != r]
    if len(digits) >= 3 or not plain:
        readings.append(one_by_one(digits, language))
    if len(digits) in (6, 9):
        readings.append(" ".join(_group(digits[k : k + 3], language) for k in range(0, len(digits), 3)))
    if len(digits) == 4 and digits[0] != "0":
        readings.append(f"{_first(int(digits[:2]), language)} {_group(digits[2:], language)}")
    return tuple(dict.fromkeys(r for r in readings if r))


def _years(value: int, language: str) -> list[str]:
    if primary(language) in _YEARS_BY_DIGITS:
        return [one_by_one(str(value), language)]
    if primary(language) == "ja":  # said as a number; the rule for years loses the last zero of 1110
        return []
    engine = _engine(language)
    rules = engine.rulesets if engine is not None else ()
    names = [str(n) for n in rules if str(n).startswith("spellout-numbering-year")]
    return _say(value, language, tuple(n for n in names if not n.endswith(("latn", "digits"))))


def _first(value: int, language: str) -> str:
    return next(iter(_say(value, language, _rules(language, False))), str(value))


def _group(digits: str, language: str) -> str:
    return one_by_one(digits, language) if digits[0] == "0" else _first(int(digits), language)


def one_by_one(digits: str, language: str) -> str:
    """Return every digit by its own name."""
    return " ".join(_first(int(d), language) for d in digits if d.isdigit())


def _decimals(digits: str, language: str) -> list[str]:
    readings = _say(float(digits), language, _rules(language, False))
    whole, _, rest = digits.lstrip("-").partition(".")
    if rest and readings:  # "three point one four" and "three point fourteen"; zeros at the end count
        head, tail = _first(int(whole), language), one_by_one(rest, language)
        usual = _say(float(f"{int(whole)}.5"), language, _rules(language, False))[:1]
        five = _first(5, language)
        if usual and usual[0].startswith(head) and usual[0].endswith(five):
            point = usual[0][len(head) : len(usual[0]) - len(five)]
            minus = readings[0].split(head)[0] if digits.startswith("-") else ""
            readings += [f"{minus}{head}{point}{tail}", f"{minus}{head}{point}{_first(int(rest), language)}"]
    return list(dict.fromkeys(readings))


def roman_value(word: str) -> int | None:
    """Return the value of a Roman numeral in lower case, None for what is none or is more often a word or a letter."""
    if word in _ROMAN_WORDS or not _ROMAN.fullmatch(word):
        return None
    values = [_ROMAN_VALUES[c] for c in word]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))
