"""A normaliser: what counts as the same word."""


def vowelless(text: str) -> list[str]:
    """Return the words in lower case without their vowels, for recognizers that mix these up."""
    return [word.translate(str.maketrans("", "", "aeiou")) or word for word in text.lower().split()]
