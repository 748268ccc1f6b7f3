"""Digits as words: cardinals, ordinals, years, money, times, dates, fractions, measures.

Readings follow American book English: 1984 is a year, 3/5/2024 is the fifth of March, "10:05" is "ten oh five".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import inflect

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
MONTH_PATTERN = "|".join(MONTHS)
UNITS = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "kg": "kilogram", "g": "gram",
    "mg": "milligram", "l": "liter", "ml": "milliliter", "ft": "foot", "yd": "yard", "mi": "mile", "lb": "pound",
    "lbs": "pound", "oz": "ounce", "mph": "mile per hour", "km/h": "kilometer per hour", "m/s": "meter per second",
    "m/s2": "meter per second squared", "hz": "hertz",
    "khz": "kilohertz", "mhz": "megahertz", "ghz": "gigahertz", "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte",
    "tb": "terabyte", "ms": "millisecond", "min": "minute", "hr": "hour", "hrs": "hour", "sec": "second", "w": "watt",
    "kw": "kilowatt", "v": "volt", "db": "decibel",
}  # fmt: skip
CURRENCIES = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent"), "¥": ("yen", "")}
UNIT_PATTERN = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
SCALES = {"C": "Celsius", "F": "Fahrenheit", "": ""}
LONGEST_CARDINAL = 15  # digits; longer strings are read digit by digit
NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"


@functools.cache
def _inflect() -> inflect.engine:
    import inflect

    return inflect.engine()


def cardinal(digits: str) -> str:
    """Spell a cardinal, "1,250"; leading zeros and very long strings are read digit by digit."""
    plain = digits.replace(",", "")
    if len(plain) > LONGEST_CARDINAL or (len(plain) > 1 and plain[0] == "0"):
        return each_digit(plain)
    return str(_inflect().number_to_words(int(plain), andword="", comma="")).replace("  ", " ")


def each_digit(digits: str) -> str:
    """Return every digit by its own name."""
    return " ".join("oh" if d == "0" and len(digits) < 6 else cardinal(d) for d in digits if d.isdigit())


def ordinal(digits: str) -> str:
    """Spell an ordinal: "21" -> "twenty-first"."""
    return str(_inflect().ordinal(cardinal(digits)))


def year(digits: str) -> str:
    """Spell a year: "1905" -> "nineteen oh five"; 1000 to 1099 and 2000 to 2009 are read as cardinals."""
    value = int(digits)
    century, rest = divmod(value, 100)
    if value % 1000 < 10 or century == 10:
        return cardinal(digits)
    if rest == 0:
        return f"{cardinal(str(century))} hundred"
    return f"{cardinal(str(century))} {'oh ' if rest < 10 else ''}{cardinal(str(rest))}"


def standalone_number(number: str) -> str:
    """Return a number standing alone: a year where it looks like one, else a cardinal or decimal."""
    if re.fullmatch(r"1[1-9]\d\d|20\d\d", number):
        return year(number)
    return decimal(number)


def decimal(number: str) -> str:
    """Spell a decimal: "3.14" -> "three point one four"."""
    whole, _, fraction = number.partition(".")
    spoken = cardinal(whole or "0")
    return f"{spoken} point {' '.join(cardinal(d) for d in fraction)}" if fraction else spoken


def plural(noun: str) -> str:
    """Return the plural of a unit of one or more words ("mile per hour" -> "miles per hour")."""
    head, _, rest = noun.partition(" ")
    return f"{_inflect().plural(head) if head not in ('hertz', 'yen') else head} {rest}".strip()


def _money(match: re.Match[str]) -> str:
    whole, fraction, scale = match["whole"], match["fraction"], match["scale"]
    main, part = CURRENCIES[match["sign"]]
    if scale:
        return f"{decimal(whole + ('.' + fraction if fraction else ''))} {scale} {plural(main)}"
    spoken = f"{cardinal(whole)} {main if whole == '1' else plural(main)}"
    if fraction and len(fraction) == 2 and part and int(fraction):
        cents = str(int(fraction))
        return (
            f"{spoken} and {cardinal(cents)} {part if cents == '1' else ('pence' if part == 'penny' else part + 's')}"
        )
    if fraction and int(fraction):
        return f"{decimal(whole + '.' + fraction)} {plural(main)}"
    return spoken


def _time(match: re.Match[str]) -> str:
    hour, minute, half = match["hour"], match["minute"], match["half"]
    if minute == "00":
        spoken = cardinal(str(int(hour))) + ("" if half else " o'clock" if 0 < int(hour) <= 12 else " hundred hours")
    else:
        spoken = f"{cardinal(str(int(hour)))} {'oh ' if minute[0] == '0' else ''}{cardinal(str(int(minute)))}"
    return f"{spoken} {'A M' if half[0] in 'aA' else 'P M'}" if half else spoken


def _date(month: int, day: str, years: str | None) -> str:
    return f"{MONTHS[month - 1]} {ordinal(day.lstrip('0'))}" + (f", {year(years)}" if years else "")


def _numeric_date(match: re.Match[str]) -> str:
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return re.sub(r"\d+", lambda m: cardinal(m[0]) + " ", match[0])
    return _date(month, str(day), match["year"])


def _measure(match: re.Match[str]) -> str:
    unit = UNITS[match["unit"].lower()]
    return f"{decimal(match['number'])} {unit if match['number'] == '1' else plural(unit)}"


def _decade(match: re.Match[str]) -> str:
    if match["tens"]:
        return str(_inflect().plural(cardinal(match["tens"])))
    head, _, last = year(match["year"]).rpartition(" ")
    return f"{head} {_inflect().plural(last)}".strip()


def _fraction(match: re.Match[str]) -> str:
    top, bottom = match["top"], match["bottom"]
    if not int(bottom):
        return f"{cardinal(top)} over {cardinal(bottom)}"
    name = {"2": "half", "4": "quarter"}.get(bottom, ordinal(bottom))
    if top != "1":
        name = "halves" if bottom == "2" else name + "s"
    whole = match["whole"]
    return f"{cardinal(whole) + ' and ' if whole else ''}{'a' if whole and top == '1' else cardinal(top)} {name}"


Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def _rules() -> list[Rule]:
    table: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (
            rf"(?P<sign>[$£€¥])\s?(?P<whole>{NUMBER})(?:\.(?P<fraction>\d+))?"
            r"(?:\s?(?P<scale>thousand|million|billion|trillion)\b)?",
            _money,
        ),
        (r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})\b", _numeric_date),
        (r"\b(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})\b", _numeric_date),
        (
            rf"\b(?P<month>{MONTH_PATTERN}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>1\d{{3}}|20\d\d))?\b",
            lambda m: _date(MONTHS.index(m["month"]) + 1, m["day"], m["year"]),
        ),
        (
            rf"(?P<article>\bthe )?\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?P<month>{MONTH_PATTERN})\b",
            lambda m: f"the {ordinal(m['day'])} of {m['month']}",
        ),
        (
            r"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?:\s?(?P<half>[ap]\.?m\b\.?|[AP]\.?M\b\.?))?",
            _time,
        ),
        (r"\b(?P<hour>1[0-2]|[1-9])\s?(?P<half>[ap]\.m\.|[ap]m\b|[AP]\.M\.|[AP]M\b)", _hour),
        (r"(?:\b(?P<year>1[1-9]\d0|20\d0)|'(?P<tens>[2-9]0))'?s\b", _decade),
        (rf"(?P<number>{NUMBER})(?:st|nd|rd|th)\b", lambda m: ordinal(m["number"])),
        (rf"(?P<number>(?:{NUMBER})(?:\.\d+)?)\s?%", lambda m: f"{decimal(m['number'])} percent"),
        (
            rf"(?P<minus>(?<![\w.])[-−])?(?P<number>(?:{NUMBER})(?:\.\d+)?)\s?°\s?(?P<scale>[CF]\b)?",
            lambda m: f"{'minus ' if m['minus'] else ''}{decimal(m['number'])} degrees {SCALES[m['scale'] or '']}",
        ),
        (rf"\b(?P<number>(?:{NUMBER})(?:\.\d+)?)\s?(?P<unit>(?i:{UNIT_PATTERN}))(?![\w'])", _measure),
        (r"\b(?:(?P<whole>\d+)[ -])?(?P<top>\d{1,2})[/⁄](?P<bottom>\d{1,2})\b", _fraction),
        (r"\b\d{3}-\d{3}-\d{4}\b|\b\d{3}-\d{4}\b", lambda m: ", ".join(map(each_digit, m[0].split("-")))),
        (
            rf"\b(?P<low>(?:{NUMBER})(?:\.\d+)?)\s?[-–]\s?(?P<high>(?:{NUMBER})(?:\.\d+)?)\b",
            lambda m: f"{standalone_number(m['low'])} to {standalone_number(m['high'])}",
        ),
        (rf"(?<![\w.])[-−](?P<number>(?:{NUMBER})(?:\.\d+)?)", lambda m: f"minus {decimal(m['number'])}"),
        (rf"(?:{NUMBER})(?:\.\d+)?|(?<!\d)\.\d+", lambda m: f" {standalone_number(m[0])} "),
    ]
    return [(re.compile(pattern), reader) for pattern, reader in table]


def _hour(match: re.Match[str]) -> str:
    return f"{cardinal(match['hour'])} {'A M' if match['half'][0] in 'aA' else 'P M'}"


@functools.cache
def _compiled() -> list[Rule]:
    return _rules()


def spell_numbers(text: str) -> str:
    """Replace every group of digits by words. No digit is left."""
    for pattern, reader in _compiled():
        text = pattern.sub(reader, text)
    return text
