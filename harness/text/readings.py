"""The right ways to say what is written as a number, a sign or an abbreviation."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from harness.text.numbers import number_readings, roman_value
from harness.text.scripts import primary
from harness.text.signs import CURRENCIES_BY_SIGN, sign_names
from harness.text.spoken_forms import spoken_forms
from harness.text.units import UNIT, unit_names

_SIGNS = re.escape("".join(CURRENCIES_BY_SIGN))
_MONEY = re.compile(rf"(\d+(?:\.\d+)?)([{_SIGNS}])|([{_SIGNS}])(\d+(?:\.\d+)?)")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ORDINAL = re.compile(r"(\d+)(?:\.|st|nd|rd|th)")


@lru_cache(maxsize=16384)
def readings_of(token: str, language: str) -> tuple[str, ...]:
    """Return how a token may be said, the usual way first; nothing for a word that is said as it is written.

    ``token``: as :func:`harness.text.tokens.spoken_tokens` gives it, or as Whisper's English normaliser does.
    """
    if not token:
        return ()
    if token[0] == UNIT:
        return (*unit_names(token[1:], language), *spoken_forms(language).short_forms.get(token[1:], ()), token[1:])
    if token[-1] == "%" and _NUMBER.fullmatch(token[:-1]):
        return tuple(_with_name(token[:-1], sign_names("%", language), language))
    if match := _MONEY.fullmatch(token):
        return tuple(_money(match[1] or match[4], match[2] or match[3], language))
    if match := _CLOCK.fullmatch(token):
        return tuple(_clock(match[1], match[2], language))
    if match := _ORDINAL.fullmatch(token):
        return (*number_readings(match[1], language, ordinal=True), *number_readings(match[1], language), match[1])
    if _NUMBER.fullmatch(token):
        return (*number_readings(token, language), *spoken_forms(language).digits.get(token, ()))
    if len(token) > 1 and "/" in token:
        return spoken_forms(language).fractions.get(token, ())
    return (*sign_names(token, language), *spoken_forms(language).short_forms.get(token, ()), *_roman(token, language))


def _forms(digits: str, language: str) -> tuple[str, ...]:
    return (*number_readings(digits, language), digits)


def _with_name(digits: str, names: tuple[str, ...], language: str) -> list[str]:
    readings = []
    for name, number in itertools.product(names, _forms(digits, language)):
        readings.append(name.format(number) if "{}" in name else f"{number} {name}")
    return readings


def _money(digits: str, sign: str, language: str) -> list[str]:
    names = sign_names(sign, language)
    readings = _with_name(digits, names, language)
    whole, _, rest = digits.partition(".")
    if len(rest) == 2:
        parts = itertools.product(_forms(whole, language)[:4], names, _forms(str(int(rest)), language)[:4])
        readings += [f"{a} {name} {b}" for a, name, b in parts]
    return readings


def _clock(hour: str, minute: str, language: str) -> list[str]:
    forms = spoken_forms(language)
    shapes = forms.full_hour if minute == "00" else forms.clock
    hours, minutes = _forms(hour, language), (*_forms(str(int(minute)), language), minute)
    return [shape.format(h=h, m=m) for shape in shapes for h in hours for m in minutes]


def _roman(token: str, language: str) -> tuple[str, ...]:
    value = roman_value(token)
    if value is None and primary(language) == "fr":  # le XIXe siècle
        value = roman_value(re.sub("(?:e|er|ère|ème)$", "", token)) if token.endswith(("e", "er")) else None
    if value is None:
        return ()
    article = ("the ",) if primary(language) == "en" else ("",)
    ordinals = number_readings(str(value), language, ordinal=True)
    return (*number_readings(str(value), language), str(value), *(a + o for a in article for o in ordinals), *ordinals)
