"""Characters that look different and mean the same: quotes, dashes, widths, optional marks, invisible characters."""

from __future__ import annotations

import unicodedata

import regex

from harness.text.indic import fold_indic_joiners
from harness.text.orthography import fold_spelling
from harness.text.scripts import primary

_APOSTROPHES = (
    "\u2018\u2019\u201b\u02bc\u02bb\u02b9\u02bd\u02c8\u0060\u00b4\uff07\uff40\u05f3\u055a\ua78b\ua78c\u2039\u203a"
)
_QUOTES = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\u2036\u05f4\uff02\u301d\u301e\u301f\u300c\u300d\u300e\u300f"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u05be\ufe58\ufe63\uff0d"
_SAME = str.maketrans({**dict.fromkeys(_APOSTROPHES, "'"), **dict.fromkeys(_QUOTES, '"')})
_VULGAR = regex.compile(r"(\d?)([\u00bc-\u00be\u2150-\u215f\u2189])")
_PRIME = regex.compile(r"(?<=\d)[\u2032\u2033](?![\p{L}])")
# Soft hyphen, zero-width space and joiners, direction marks, word joiner, byte order mark, variation selectors.
_INVISIBLE = regex.compile(
    r"[\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
    r"\U000e0100-\U000e01ef]"
)
# Points that Arabic and Hebrew leave out: tatweel, harakat, superscript alef, Koranic signs; niqqud, cantillation.
_POINTS = regex.compile(
    "[\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]"
)
_STRESS = frozenset({"ru", "uk", "be", "bg"})  # stress is marked for learners only
_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ﬀ": "ff", "ş": "ș", "ţ": "ț", "ٱ": "ا", "أ": "ا", "إ": "ا"})
_BY_LANGUAGE: dict[str, dict[str, str | int | None]] = {
    "ru": {"ё": "е"},
    "fa": {"ي": "ی", "ك": "ک", "ى": "ی", "ة": "ه"},
    "ur": {"ي": "ی", "ك": "ک", "ه": "ہ"},
    "zh": {"〇": "零"},
    "ja": {"〇": "零"},
}


def fold_characters(text: str) -> str:
    """Return the text in NFC with one kind of apostrophe (``'``), quote (``"``) and dash (``-``; ``–`` in ranges).

    Invisible characters are taken out, vulgar fractions become ``1/2``, primes after a digit stay, full-width letters
    and half-width kana get their usual width.
    """
    text = _VULGAR.sub(_fraction, fold_indic_joiners(unicodedata.normalize("NFC", text)))
    text = _PRIME.sub(lambda m: "\ue001" if m[0] == "\u2032" else "\ue002", text).replace("\u2032", "'")
    text = _INVISIBLE.sub("", text.translate(_SAME))
    text = unicodedata.normalize("NFKC", text).translate(_SAME).replace("\u2044", "/")
    text = regex.sub(r"(?<=\d)\s?[\u2012\u2013]\s?(?=\d)", "–", text)
    text = "".join("-" if c in _DASHES and c != "–" else c for c in text)
    return text.replace("\ue001", "\u2032").replace("\ue002", "\u2033")


def _fraction(match: regex.Match[str]) -> str:
    return f"{match[1]}{' ' if match[1] else ''}{unicodedata.normalize('NFKC', match[2])}"


def fold_case(text: str, language: str) -> str:
    """Return the text in lower case, with spellings that a language leaves open made one, and decimal digits as ASCII.

    Points of Arabic and Hebrew go, without a space in their place; vowel signs of Indic scripts, tones and all other
    marks are spelling and stay. Chinese becomes simplified; what else is made one: :mod:`harness.text.orthography`.
    """
    short = primary(language)
    if short in ("tr", "az"):
        text = text.replace("İ", "i").replace("I", "ı")
    text = _POINTS.sub("", text.casefold())
    if short in _STRESS:
        bare = regex.sub("[\u0300\u0301]", "", unicodedata.normalize("NFD", text))
        text = unicodedata.normalize("NFC", bare)
    text = text.translate(_LETTERS).translate(str.maketrans(_BY_LANGUAGE.get(short, {})))
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return unicodedata.normalize("NFC", fold_spelling(digits, short))


def letters_and_digits(text: str) -> str:
    """Return the letters and digits of a text in lower case, run together: what words are compared by."""
    return "".join(c for c in text.casefold() if c.isalnum())
