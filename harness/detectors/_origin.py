"""Where words come from that were heard and are not written there: from the text itself, or from the one before."""

from __future__ import annotations

from harness.text.characters import letters_and_digits

LEAST_LETTERS, ALIKE = 6, 75.0  # letters, and % of them, of words that come from a text rather than by chance
PHRASE_LETTERS = 10  # of a phrase that is not heard twice by chance


def are_of(said: str, text: str) -> bool:
    """Return whether words, or half of them, are words of ``text`` in its order, once or over and over."""
    return _is_of(letters_and_digits(said), letters_and_digits(text))


def likeness(said: str, text: str) -> float:
    """Return how much of the letters, in %, words share with the part of ``text`` that is most like them."""
    from rapidfuzz.fuzz import partial_ratio

    return float(partial_ratio(letters_and_digits(said), letters_and_digits(text)))


def heard_twice(heard: str, text: str) -> str:
    """Return the letters of a phrase that was heard twice and is not written twice; empty where there is none."""
    letters, written = letters_and_digits(heard), letters_and_digits(text)
    for start in range(len(letters) - 2 * PHRASE_LETTERS + 1):
        phrase = letters[start : start + PHRASE_LETTERS]
        if phrase in letters[start + PHRASE_LETTERS :] and written.count(phrase) < 2:
            return phrase
    return ""


def _is_of(said: str, text: str) -> bool:
    from rapidfuzz.fuzz import partial_ratio

    if len(said) < LEAST_LETTERS:
        return False
    if len(said) <= len(text) and partial_ratio(said, text) >= ALIKE:
        return True
    half = len(said) // 2
    return half >= 2 * LEAST_LETTERS and (_is_of(said[:half], text) or _is_of(said[half:], text))
