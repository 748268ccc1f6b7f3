"""Text as it is spoken: named normalisers, markup, numbers and signs, syllables, and one count of words."""

from harness.text.markup import asked_pauses, spoken_text
from harness.text.normalisers import (
    NORMALISER_KEY,
    TEXT_VERSION,
    Normaliser,
    default_normaliser,
    normaliser,
    normaliser_names,
    normaliser_version,
    with_normaliser,
)
from harness.text.scripts import UNSPACED, count_words, is_unspaced, primary
from harness.text.spoken_length import spoken_letters
from harness.text.syllables import spoken_syllables, word_syllables
from harness.text.tokens import has_emoji

__all__ = [
    "NORMALISER_KEY",
    "TEXT_VERSION",
    "UNSPACED",
    "Normaliser",
    "asked_pauses",
    "count_words",
    "default_normaliser",
    "has_emoji",
    "is_unspaced",
    "normaliser",
    "normaliser_names",
    "normaliser_version",
    "primary",
    "spoken_letters",
    "spoken_syllables",
    "spoken_text",
    "with_normaliser",
    "word_syllables",
]
