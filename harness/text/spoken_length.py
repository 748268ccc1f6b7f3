"""How long a text is in letters once it is spoken: "1788" is as long as "seventeen eighty-eight"."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from harness.text.identifiers import DIGIT
from harness.text.readings import readings_of
from harness.text.tokens import OPTIONAL, spoken_tokens
from harness.text.units import UNIT

LETTERS_A_DIGIT = 4  # of a number in a language without rules for numbers


def spoken_letters(text: str, language: str = "en") -> int:
    """Return the letters of a text as it is spoken, numbers and signs in their usual reading; 0 for punctuation."""
    return sum(_letters(token, language) for token in spoken_tokens(text, language) if not token.startswith(OPTIONAL))


@lru_cache(maxsize=65536)
def _letters(token: str, language: str) -> int:
    token = token.lstrip(DIGIT)
    signs = any(c.isdigit() or unicodedata.category(c)[0] == "S" for c in token)  # "12%", "°c"
    if token[0] == UNIT or signs or not any(c.isalpha() for c in token):
        readings = readings_of(token, language)
        if readings and any(c.isalpha() for c in readings[0]):
            return sum(c.isalpha() for c in readings[0])
    return sum(LETTERS_A_DIGIT if c.isdigit() else c.isalpha() for c in token)
