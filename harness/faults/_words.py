"""How long a word takes, before anybody has spoken it: syllables and letters."""

import re
import unicodedata
from functools import lru_cache

VOWELS = re.compile(r"[aeiouyà-æè-ïò-öø-ýœ]+")
WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
CYRILLIC_VOWELS = re.compile(r"[аеёиоуыэюя]")
DIGIT_SYLLABLES = 1.5  # "seven" has two; groups are read shorter than digit by digit


@lru_cache(maxsize=65536)
def syllables(word: str, language: str = "en") -> float:
    """Estimated syllables of one written word, 0 for what is not spoken (punctuation alone). Never negative."""
    plain = unicodedata.normalize("NFC", word).lower()
    wide = len(WIDE.findall(plain))
    digits = sum(c.isdigit() for c in plain)
    letters = sum(c.isalpha() for c in plain) - wide
    if letters <= 0:
        return wide + DIGIT_SYLLABLES * digits
    groups = len(VOWELS.findall(plain)) + len(CYRILLIC_VOWELS.findall(plain))
    if language.startswith("en") and groups > 1 and re.search(r"[^aeiouyl]e[sd]?\W*$", plain):
        groups -= 0 if re.search(r"(?:[sxz]|[cs]h|[cg])es\W*$|[td]ed\W*$|[^aeiou]le\W*$", plain) else 1
    if groups == 0:  # letters without a vowel are spelled out or one syllable
        groups = letters if plain.upper() == word and letters <= 4 else 1
    return groups + wide + DIGIT_SYLLABLES * digits


@lru_cache(maxsize=65536)
def effort(word: str, language: str = "en") -> float:
    """Relative time that a word takes, in syllables of mean length: half by syllables, half by letters."""
    count = syllables(word, language)
    letters = sum(c.isalpha() for c in word) - len(WIDE.findall(word))
    if letters <= 0:
        return count
    return 0.5 * count + 0.5 * letters / 2.8  # written English has 2.8 letters a syllable
