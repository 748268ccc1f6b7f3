"""Spellings that a language leaves open beyond single characters: scripts, tone marks, long vowels."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import regex

from harness.text.indic import fold_indic

if TYPE_CHECKING:
    from opencc import OpenCC

# Traditional characters, also as Taiwan and Hong Kong choose them, become simplified ones; old Japanese ones new ones.
_CONVERSIONS = {"zh": "tw2s", "cmn": "tw2s", "yue": "tw2s", "wuu": "tw2s", "nan": "tw2s", "ja": "t2jp"}
_SERBIAN = str.maketrans(dict(zip("абвгдђежзијклљмнњопрстћуфхцчџш", [
    "a", "b", "v", "g", "d", "đ", "e", "ž", "z", "i", "j", "k", "l", "lj", "m", "n", "nj", "o", "p", "r", "s", "t", "ć",
    "u", "f", "h", "c", "č", "dž", "š"], strict=True)))  # fmt: skip
# Vietnamese sets the tone of oa, oe and uy on either vowel: hoà, hòa.
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_LATE_TONE = regex.compile(rf"(o)([ae])([{_TONES}])(?!\p{{L}}|\p{{M}})|(u)(y)([{_TONES}])(?!\p{{L}}|\p{{M}})")
_LONG_VOWEL = regex.compile(r"(?<=[\p{Katakana}ー]{2})ー(?![\p{Katakana}ー])")


@cache
def _converter(name: str) -> OpenCC:
    from opencc import OpenCC

    return OpenCC(name)


def fold_spelling(text: str, language: str) -> str:
    """Return lower-case text in the one spelling that its words are compared in.

    ``language``: primary subtag. Chinese becomes simplified, Serbian Latin, polytonic Greek monotonic; a long vowel at
    the end of a Japanese borrowing and the place of a Vietnamese tone mark are free; for India see
    :func:`harness.text.indic.fold_indic`.
    """
    if language in _CONVERSIONS and not text.isascii():
        text = str(_converter(_CONVERSIONS[language]).convert(text))
    if language == "ja":
        text = _LONG_VOWEL.sub("", text)
    elif language in ("sr", "sh", "bs"):
        text = text.translate(_SERBIAN)
    elif language == "vi":
        text = _vietnamese(text)
    elif language == "el":
        text = _monotonic(text)
    return fold_indic(text, language)


def _vietnamese(text: str) -> str:
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", _LATE_TONE.sub(lambda m: f"{m[1] or m[4]}{m[3] or m[6]}{m[2] or m[5]}", apart))


def _monotonic(text: str) -> str:
    apart = regex.sub("[\u0300\u0342]", "\u0301", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", regex.sub("[\u0304\u0306\u0313\u0314\u0345]", "", apart))
