"""What signs are called where they are spoken: ``%``, ``&``, currencies, units. Units and currencies come from CLDR."""

from __future__ import annotations

from functools import cache

from harness.text.scripts import primary
from harness.text.spoken_forms import spoken_forms
from harness.text.units import cldr_locale, unit_names, unmistakable

REAL = "₢"  # stands for "R$": the sign of an older Brazilian currency, in no text of today
CURRENCIES_BY_SIGN = {
    REAL: "BRL","$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₪": "ILS",
                      "฿": "THB", "₺": "TRY", "₴": "UAH"}  # fmt: skip
OPTIONAL_SIGNS = frozenset("#*/|~•·→°\u2032\u2033.–-×")
"""Signs that a voice may leave out; not heard, they cost nothing."""


@cache
def sign_names(sign: str, language: str) -> tuple[str, ...]:
    """Return what a sign is called in a language; nothing for one that has no name there."""
    short = primary(language)
    units = unit_names(sign, short) if unmistakable(sign) else ()
    names = (*spoken_forms(short).signs.get(sign, ()), *currency_names(sign, short), *units)
    return tuple(dict.fromkeys(names))


@cache
def currency_names(sign: str, language: str) -> tuple[str, ...]:
    """Return the names of a currency by its sign, in singular and plural, without its country where it has one."""
    code, locale = CURRENCIES_BY_SIGN.get(sign), cldr_locale(language)
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
def decimal_marks(language: str) -> tuple[str, str]:
    """Return the decimal mark and the group separator of a language, ``.`` and ``,`` where it is unknown."""
    locale = cldr_locale(primary(language))
    if locale is None:
        return ".", ","
    from babel.numbers import get_decimal_symbol, get_group_symbol

    group = get_group_symbol(locale, numbering_system="latn").replace("\u202f", " ").replace("\xa0", " ")
    return get_decimal_symbol(locale, numbering_system="latn"), group.replace("’", "'")
