"""Spellings that scripts of India leave open, made one: nasals, dots of borrowed sounds, old ways to write a letter.

The scripts lie in Unicode in blocks of one order, so that one rule serves them all.
"""

from __future__ import annotations

import regex

BLOCKS = {"Deva": 0x900, "Beng": 0x980, "Guru": 0xA00, "Gujr": 0xA80, "Orya": 0xB00, "Telu": 0xC00, "Knda": 0xC80,
          "Mlym": 0xD00}  # fmt: skip
_ANUSVARA, _NUKTA, _VIRAMA = 0x02, 0x3C, 0x4D
# The stops of a row, and the nasal that is said before them: ka, ca, retroflex ta, ta, pa.
_ROWS = ((0x15, 0x19), (0x1A, 0x1E), (0x1F, 0x23), (0x24, 0x28), (0x2A, 0x2E))
_N = 0x28  # written before any stop but those of the lips in borrowed words: इन्डिया

_CHILLU = {"ണ": "ൺ", "ന": "ൻ", "ര": "ർ", "ല": "ൽ", "ള": "ൾ", "ക": "ൿ"}
_OLD_SPELLINGS: list[tuple[regex.Pattern[str], str]] = [
    *((regex.compile(f"{letter}\u0d4d\u200d"), chillu) for letter, chillu in _CHILLU.items()),
    (regex.compile("ൻ\u0d4dറ|ൻറ|ന\u0d4d\u200cറ"), "ന\u0d4dറ"),  # the ways to write "nta" of Malayalam
    (regex.compile("ৎ|ত\u09cd\u200d"), "ত\u09cd"),
    (regex.compile("ऱ\u094d"), "र\u094d"),  # the eyelash of Marathi
    (regex.compile("ஶ\u0bcdரீ"), "ஸ\u0bcdரீ"),
    (regex.compile("\u0a70"), "\u0a02"),  # tippi and bindi share their work
]
_CHANDRABINDU = regex.compile("[\u0901\u0a81\u0a01]")
_OPTIONAL_DOT = regex.compile("(?<=[कखगजफਖਗਜਫ])[\u093c\u0a3c]")
_AFTER_VOWEL = "(?<=[\u0904-\u0939\u093c\u093e-\u094c\u0958-\u0961\u0902])"
_GLIDE = regex.compile(_AFTER_VOWEL + "य([\u0947\u0940])(?=[\u0902\u0901]?(?!\\p{M}))")
_GLIDES = {"\u0947": "ए", "\u0940": "ई"}
_SILENT_VISARGA = regex.compile("\u0903(?=[कखपफ])")
_KA_BENGALI = regex.compile("ঙ\u09cd?(?![\u09be-\u09cc])")


def _nasals() -> list[tuple[regex.Pattern[str], str]]:
    rules = []
    for script, base in BLOCKS.items():
        for first, nasal in _ROWS[:1] if script == "Beng" else _ROWS:  # elsewhere Bengali says its anusvara as ng
            before = {nasal} if nasal == 0x2E else {nasal, _N}
            stops = "".join(chr(base + first + k) for k in range(4))
            letters = "".join(chr(base + letter) for letter in sorted(before))
            rules.append((regex.compile(f"[{letters}]{chr(base + _VIRAMA)}(?=[{stops}])"), chr(base + _ANUSVARA)))
    return rules


_NASALS = _nasals()


def fold_indic_joiners(text: str) -> str:
    """Return the text with letters that were once written with a joiner as they are written today."""
    for pattern, replacement in _OLD_SPELLINGS:
        text = pattern.sub(replacement, text)
    return text


def fold_indic(text: str, language: str) -> str:
    """Return the text with one spelling for what readers take for the same word: हिन्दी and हिंदी, पाँच and पांच.

    ``language``: primary subtag. Dots of borrowed sounds (क़, ज़) go in Hindi and Punjabi, where writers leave them
    out; those of ड़ and ढ़ are other letters and stay, as do all vowel signs.
    """
    for pattern, anusvara in _NASALS:
        text = pattern.sub(anusvara, text)
    if language in ("hi", "mr", "ne", "gu", "mai", "bho", "sa", "kok", "pa"):
        text = _CHANDRABINDU.sub(lambda m: chr(ord(m[0]) + 1), text)
    if language in ("hi", "pa", "mai", "bho"):
        text = _OPTIONAL_DOT.sub("", text)
    if language in ("hi", "mai", "bho"):
        text = _GLIDE.sub(lambda m: _GLIDES[m[1]], _SILENT_VISARGA.sub("", text))
    if language in ("bn", "as"):
        text = _KA_BENGALI.sub("\u0982", text)
    return text
