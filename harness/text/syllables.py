"""How many syllables a text has when it is spoken, in any script: markup left out, numbers and signs said in full.

Counts are estimates: exact where the script shows syllables (hangul, kana, vowel letters), typical where it does not
(Arabic, Hebrew, Thai, Chinese characters in Japanese).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

from harness.text.characters import fold_characters
from harness.text.identifiers import DIGIT
from harness.text.numbers import number_readings
from harness.text.readings import readings_of
from harness.text.scripts import primary
from harness.text.tokens import OPTIONAL, plain_token, spoken_tokens
from harness.text.units import UNIT

_LATIN = regex.compile(r"\p{Latin}")
_VOWELS = regex.compile(r"[aeiouyà-æè-ïò-öø-ýœāăąēĕėęěīĭįıōŏőūŭůűųơưạ-ỹ]+")
_SILENT_E = regex.compile(r"[^aeiouyl]e[sd]?$")
_SPOKEN_E = regex.compile(r"(?:[sxz]|[cs]h|[cg])es$|[td]ed$|[^aeiou]le$")
_ACCENTED = regex.compile(r"[\u0300-\u036f]")
_COUNTED: list[tuple[regex.Pattern[str], float]] = [
    (regex.compile(r"[аеёиоуыэюяіїєѣӣӯөүұәѝ]"), 1.0),
    (regex.compile(r"[αεηιουω]+"), 1.0),
    (regex.compile(r"[აეიოუ]"), 1.0),  # Georgian
    (regex.compile(r"[աեէըիոօ]"), 1.0),  # Armenian
    (regex.compile(r"\p{Hangul}"), 1.0),
    (regex.compile(r"[ぁ-ゔァ-ヴー--[ゃゅょぁぃぅぇぉャュョァィゥェォっッん]]", regex.V1), 1.0),
    (regex.compile(r"\p{Ethiopic}"), 1.0),
    (regex.compile(r"\p{Bopomofo}"), 0.5),
    (regex.compile(r"\p{Arabic}"), 0.5),
    (regex.compile(r"\p{Hebrew}"), 0.5),
    (regex.compile(r"[ก-ฮ]"), 0.6),
    (regex.compile(r"[ກ-ຮ]"), 0.6),
    (regex.compile(r"(?<!\u17d2)[\u1780-\u17b3]"), 0.8),  # Khmer, subscripts left out
    (regex.compile(r"(?<!\u1039)[\u1000-\u102a\u103f](?!\u103a|\u1039)"), 1.0),  # Burmese, but for killed finals
    (regex.compile(r"[\u0f40-\u0f6c](?=[\u0f71-\u0fbc]*[\u0f0b\u0f0d]|[\u0f71-\u0fbc]*$)"), 1.0),  # Tibetan
]
_INDIC_SCRIPTS = (
    r"\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}"
)
_INDIC = regex.compile(rf"[{_INDIC_SCRIPTS}]")
_AKSHARA = regex.compile(rf"[[{_INDIC_SCRIPTS}]&&\p{{L}}]\p{{M}}*", regex.V1)
_DROPS_LAST_VOWEL = frozenset({"hi", "mr", "bn", "gu", "pa", "ne", "ur", "as"})
_HAN = regex.compile(r"\p{Han}")
_HAN_SYLLABLES = {"ja": 1.7}  # most readings of one character have one or two


def spoken_syllables(text: str, language: str = "en") -> float:
    """Return the syllables of a text as it is spoken; 0 where nothing is (punctuation, emoji, markup)."""
    return sum(_said(token, language) for token in spoken_tokens(text, language) if not token.startswith(OPTIONAL))


@lru_cache(maxsize=65536)
def _said(token: str, language: str) -> float:
    if token[0] == UNIT or any(c.isdigit() for c in token) or not any(c.isalpha() for c in token):
        ways = readings_of(token.lstrip(DIGIT), language) or number_readings(
            regex.sub(r"\D", "", token) or "0", language
        )
        if ways:
            return sum(word_syllables(word, language) for word in regex.split(r"[\s\u00ad-]+", ways[0]))
    return word_syllables(plain_token(token), language)


@lru_cache(maxsize=65536)
def word_syllables(word: str, language: str = "en") -> float:
    """Return the estimated syllables of one word in letters, 0 for what has none. Never negative."""
    plain = fold_characters(word).casefold()
    total = float(sum(_digit(c) for c in plain))
    if _LATIN.search(plain):
        total += _latin(regex.sub(r"[^\p{Latin}\p{M}']", "", plain), language)
    if _INDIC.search(plain):
        total += _akshara_syllables(plain, language)
    total += len(_HAN.findall(plain)) * _HAN_SYLLABLES.get(primary(language), 1.0)
    total += sum(weight * len(pattern.findall(_bare(plain, pattern))) for pattern, weight in _COUNTED)
    letters = sum(c.isalpha() for c in plain)
    return max(total, 1.0) if letters else total


def _digit(character: str) -> float:
    return 1.5 if character.isdigit() else 0.0  # "seven" has two


def _bare(plain: str, pattern: regex.Pattern[str]) -> str:
    """Take the accents off Greek; elsewhere marks tell letters apart."""
    if "α" not in pattern.pattern:
        return str(regex.sub(r"[\u064b-\u0652\u0670\u0640\u0591-\u05c7]", "", plain))
    return str(_ACCENTED.sub("", unicodedata.normalize("NFD", plain)))


def _latin(word: str, language: str) -> float:
    groups = len(_VOWELS.findall(word))
    if primary(language) == "en" and groups > 1 and _SILENT_E.search(word) and not _SPOKEN_E.search(word):
        groups -= 1
    return groups or (len(word) if 1 < len(word) <= 4 else 1)  # letters without a vowel are spelled out


def _akshara_syllables(plain: str, language: str) -> float:
    """Every consonant carries a vowel unless a virama kills it; the last one of a Hindi word is silent."""
    aksharas = _AKSHARA.findall(plain)
    count = sum(1 for part in aksharas if not any(unicodedata.combining(c) == 9 for c in part))
    silent = primary(language) in _DROPS_LAST_VOWEL and len(aksharas) > 1 and len(aksharas[-1]) == 1
    return float(max(count - silent, 1))
