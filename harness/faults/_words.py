"""How long a word takes, before anybody has spoken it: syllables and letters."""

import re
from functools import lru_cache

from harness.text import word_syllables

WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@lru_cache(maxsize=65536)
def effort(word: str, language: str = "en") -> float:
    """Relative time that a word takes, in syllables of mean length: half by syllables, half by letters."""
    count = word_syllables(word, language)
    letters = sum(c.isalpha() for c in word) - len(WIDE.findall(word))
    if letters <= 0:
        return count
    return 0.5 * count + 0.5 * letters / 2.8  # written English has 2.8 letters a syllable
