"""What signs are called where they are spoken: ``%``, ``&``, currencies, units. Units and currencies come from CLDR."""

from __future__ import annotations

from functools import cache
from typing import Any

from harness.text.scripts import primary
from harness.text.spoken_forms import spoken_forms

REAL = "₢"  # stands for "R$": the sign of an older Brazilian currency, in no text of today
CURRENCIES_BY_SIGN = {
    REAL: "BRL","$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₪": "ILS",
                      "฿": "THB", "₺": "TRY", "₴": "UAH"}  # fmt: skip
UNITS_BY_SIGN = {
    "km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter", "mm": "length-millimeter",
    "mi": "length-mile", "ft": "length-foot", "in": "length-inch", "yd": "length-yard", "kg": "mass-kilogram",
    "g": "mass-gram", "mg": "mass-milligram", "t": "mass-tonne", "lb": "mass-pound", "lbs": "mass-pound",
    "oz": "mass-ounce", "l": "volume-liter", "ml": "volume-milliliter", "kmh": "speed-kilometer-per-hour",
    "mph": "speed-mile-per-hour", "ms": "duration-millisecond", "s": "duration-second", "sec": "duration-second",
    "min": "duration-minute", "h": "duration-hour", "hr": "duration-hour", "hrs": "duration-hour",
    "hz": "frequency-hertz", "khz": "frequency-kilohertz", "mhz": "frequency-megahertz", "ghz": "frequency-gigahertz",
    "kb": "digital-kilobyte", "mb": "digital-megabyte", "gb": "digital-gigabyte", "tb": "digital-terabyte",
    "w": "power-watt", "kw": "power-kilowatt", "v": "electric-volt", "a": "electric-ampere", "m2": "area-square-meter",
    "km2": "area-square-kilometer", "ha": "area-hectare", "m3": "volume-cubic-meter", "°": "angle-degree",
    "°c": "temperature-celsius", "°f": "temperature-fahrenheit", "км": "length-kilometer", "м": "length-meter",
    "см": "length-centimeter", "кг": "mass-kilogram", "г": "mass-gram", "л": "volume-liter",
    "кмч": "speed-kilometer-per-hour",
    "\u2032": "length-foot", "\u2033": "length-inch",
}  # fmt: skip
OPTIONAL_SIGNS = frozenset("#*/|~•·→°\u2032\u2033.–-×")
"""Signs that a voice may leave out; not heard, they cost nothing."""


@cache
def sign_names(sign: str, language: str) -> tuple[str, ...]:
    """Return what a sign is called in a language; nothing for one that has no name there."""
    short = primary(language)
    names = (*spoken_forms(short).signs.get(sign, ()), *currency_names(sign, short), *unit_names(sign, short))
    return tuple(dict.fromkeys(names))


@cache
def _locale(language: str) -> Any:
    """Return the CLDR locale of a primary subtag, None where there is none."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse({"cmn": "zh", "iw": "he"}.get(language, language))
    except (UnknownLocaleError, ValueError):
        return None


@cache
def currency_names(sign: str, language: str) -> tuple[str, ...]:
    """Return the names of a currency by its sign, in singular and plural, without its country where it has one."""
    code, locale = CURRENCIES_BY_SIGN.get(sign), _locale(language)
    if code is None or locale is None:
        return ()
    from babel.numbers import get_currency_name

    names: list[str] = []
    for count in (1, 2, 5, 1.5):
        full = get_currency_name(code, count=count, locale=locale).lower()
        words = full.removeprefix("us-").removeprefix("米").split()
        names += [" ".join(words), words[0], words[-1]]
    return tuple(dict.fromkeys(names))


@cache
def unit_names(sign: str, language: str) -> tuple[str, ...]:
    """Return the names of a unit by its symbol, in every plural form of the language."""
    unit, locale = UNITS_BY_SIGN.get(sign), _locale(language)
    if unit is None or locale is None:
        return ()
    names: list[str] = []
    for name in [unit, *(("duration-minute",) if sign == "\u2032" else ())]:
        forms = locale._data["unit_patterns"].get(name, {}).get("long", {})
        patterns = [p for form in forms.values() for p in (form.values() if hasattr(form, "values") else [form])]
        names += [p.replace("{0}", "").strip() for p in patterns if isinstance(p, str)]
    return tuple(dict.fromkeys(names))


@cache
def decimal_marks(language: str) -> tuple[str, str]:
    """Return the decimal mark and the group separator of a language, ``.`` and ``,`` where it is unknown."""
    locale = _locale(primary(language))
    if locale is None:
        return ".", ","
    from babel.numbers import get_decimal_symbol, get_group_symbol

    group = get_group_symbol(locale, numbering_system="latn").replace("\u202f", " ").replace("\xa0", " ")
    return get_decimal_symbol(locale, numbering_system="latn"), group.replace("’", "'")
