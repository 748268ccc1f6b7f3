"""Units of measurement by their symbols: ``km``, ``tsp``, ``EL``, ``c. à s.``; symbols and names come from CLDR."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import regex

from harness.text.characters import fold_characters
from harness.text.scripts import ANOTHER_TAG, SPACED_LETTER, primary
from harness.text.spoken_forms import spoken_forms

if TYPE_CHECKING:
    from babel import Locale

UNIT = "\ue004"
"""Before a token that stands for a unit, since it follows a number: ``in`` is a word elsewhere."""

# As they are written in every language, whatever its own symbols are.
COMMON_UNITS = {
    "km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter", "mm": "length-millimeter",
    "mi": "length-mile", "ft": "length-foot", "in": "length-inch", "yd": "length-yard", "kg": "mass-kilogram",
    "g": "mass-gram", "mg": "mass-milligram", "μg": "mass-microgram", "t": "mass-tonne", "lb": "mass-pound",
    "lbs": "mass-pound", "oz": "mass-ounce", "l": "volume-liter", "ml": "volume-milliliter", "cl": "volume-centiliter",
    "km/h": "speed-kilometer-per-hour", "kmh": "speed-kilometer-per-hour", "kph": "speed-kilometer-per-hour",
    "m/s": "speed-meter-per-second", "m/s2": "acceleration-meter-per-square-second", "mph": "speed-mile-per-hour",
    "ms": "duration-millisecond", "s": "duration-second", "sec": "duration-second", "min": "duration-minute",
    "h": "duration-hour", "hz": "frequency-hertz", "khz": "frequency-kilohertz", "mhz": "frequency-megahertz",
    "ghz": "frequency-gigahertz", "kb": "digital-kilobyte", "mb": "digital-megabyte", "gb": "digital-gigabyte",
    "tb": "digital-terabyte", "w": "power-watt", "kw": "power-kilowatt", "mw": "power-megawatt",
    "kwh": "energy-kilowatt-hour", "kcal": "energy-kilocalorie", "cal": "energy-calorie", "j": "energy-joule",
    "kj": "energy-kilojoule", "v": "electric-volt", "a": "electric-ampere", "hpa": "pressure-hectopascal",
    "bar": "pressure-bar", "m2": "area-square-meter", "km2": "area-square-kilometer", "ha": "area-hectare",
    "m3": "volume-cubic-meter", "°": "angle-degree", "°c": "temperature-celsius", "°f": "temperature-fahrenheit",
    "\u2032": "length-foot", "\u2033": "length-inch",
}  # fmt: skip
_CYRILLIC = {"км": "length-kilometer", "м": "length-meter", "см": "length-centimeter", "кг": "mass-kilogram",
             "г": "mass-gram", "л": "volume-liter", "кмч": "speed-kilometer-per-hour"}  # fmt: skip
_NEVER = {"en": frozenset({"st", "rd"})}  # "21st", "42 St. John Street"
_WORDS_TOO = {"en": ("in",)}  # words of the language: a unit only where no other word follows but "of" and its like
_OTHER_WORDS_TOO = ("in", "mi", "ha", "a")
_FAMILIES = ("length", "mass", "volume", "speed", "acceleration", "duration", "frequency", "digital", "power", "energy",
             "electric", "pressure", "area", "angle", "temperature", "consumption", "force", "concentr", "light",
             "graphics")  # fmt: skip


@cache
def cldr_locale(language: str) -> Locale | None:
    """Return the CLDR locale of a primary subtag, None where there is none."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(ANOTHER_TAG.get(language, language))
    except (UnknownLocaleError, ValueError):
        return None


def unit_key(symbol: str) -> str:
    """Return a symbol as tokens hold it: lower case, without spaces and full stops."""
    return str(regex.sub(r"[.\s]", "", fold_characters(symbol).casefold()))


def _patterns(language: str, unit: str, width: str) -> list[str]:
    locale = cldr_locale(language)
    forms = {} if locale is None else locale._data["unit_patterns"].get(unit, {}).get(width, {})
    patterns = [p for form in forms.values() for p in (form.values() if hasattr(form, "values") else [form])]
    return list(dict.fromkeys(p.replace("{0}", "").strip() for p in patterns if isinstance(p, str)))


@cache
def unit_symbols(language: str) -> dict[str, tuple[str, ...]]:
    """Return the symbols of a language, as they are written -> the units of CLDR that they stand for."""
    symbols: dict[str, list[str]] = {}
    for symbol, unit in (COMMON_UNITS | _CYRILLIC).items():
        symbols.setdefault(symbol, []).append(unit)
    locale = cldr_locale(language)
    for unit in () if locale is None else locale._data["unit_patterns"]:
        if unit.startswith(_FAMILIES):
            for symbol in _patterns(language, unit, "short"):
                if symbol not in _NEVER.get(language, ()) and any(c.isalpha() for c in symbol) and "{" not in symbol:
                    symbols.setdefault(symbol, []).append(unit)
    for symbol in spoken_forms(language).units:
        symbols.setdefault(symbol, [])
    return {symbol: tuple(units) for symbol, units in symbols.items()}


@cache
def _by_key(language: str) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {}
    for symbol, units in unit_symbols(language).items():
        keys[unit_key(symbol)] = (*keys.get(unit_key(symbol), ()), *units)
    return keys


@cache
def unit_names(symbol: str, language: str) -> tuple[str, ...]:
    """Return the names of a unit by the key of its symbol (:func:`unit_key`), in every plural form of the language."""
    short = primary(language)
    names = list(spoken_forms(short).units.get(symbol, ()))
    for unit in (*_by_key(short).get(symbol, ()), *(("duration-minute",) if symbol == "\u2032" else ())):
        names += _patterns(short, unit, "long")
    return tuple(dict.fromkeys(name for name in names if name))


def unmistakable(symbol: str) -> bool:
    """Return whether a symbol stands for its unit also without a number: ``kg`` and ``°``, but not ``in``."""
    if symbol not in COMMON_UNITS and symbol not in _CYRILLIC:
        return False
    return symbol[0] in "°\u2032\u2033" or (len(symbol) > 1 and not regex.search("[aeiouаеиоу]", symbol))


@cache
def unit_pattern(language: str) -> regex.Pattern[str]:
    """Return the pattern of a symbol behind a number, or behind ``/`` after one; ``km/h`` is a unit anywhere.

    Symbols of one letter keep their case (``5 m``, but ``5M``), longer ones may have any.
    """
    short = primary(language)
    symbols = sorted(unit_symbols(short), key=lambda s: -len(s))
    plain = [s for s in symbols if s[0] not in "°\u2032\u2033"]
    single = "|".join(regex.escape(c) for c in {*(s for s in plain if len(s) == 1), *"VAWL"})
    longer = "|".join(regex.escape(fold_characters(s)).replace(r"\ ", r"\s?") for s in plain if len(s) > 1)
    words_too = "|".join(_WORDS_TOO.get(short, _OTHER_WORDS_TOO))
    a_word = rf"(?!(?:{words_too})\s+(?!(?:of|by|x|long|wide|high|tall|deep|thick)\b)\p{{L}})"
    whole = "|".join(regex.escape(fold_characters(s)) for s in plain if "/" in s)
    return regex.compile(
        rf"(?<=\d[\s-]?|\d/|\d\s?\p{{L}}{{1,6}}/){a_word}(?:(?i:{longer})|{single})(?<!0s)(?!\d|{SPACED_LETTER}|\.\p{{L}}|'\p{{L}})"
        rf"|(?<![\d/]|{SPACED_LETTER})(?:(?i:{whole}))(?![\d/]|{SPACED_LETTER})"
    )
