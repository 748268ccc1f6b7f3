"""Where sentences and clauses end, judged word by word so that no word can be changed."""

from __future__ import annotations

from enum import IntEnum

CLOSING = "\"'”’»)]}›」』）】"
OPENING = "\"'“‘«([{‹„「『（【¿¡-–—*_"
ENDING = ".!?…。！？｡؟۔।"
CLAUSE = ",;:、，；：،؛–—"
# Words with a full stop that seldom end a sentence. Ones that often do ("etc.", "p.m.") are left out on purpose:
# before a capital letter they are then taken for an end.
TITLES = ("mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "rev", "hon", "messrs", "mme", "mlle", "hr", "pres")
RANKS = ("gen", "col", "capt", "lt", "sgt", "cmdr", "gov", "sen", "rep")
MONTHS = ("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec")
OTHERS = ("vs", "cf", "al", "e.g", "i.e", "viz", "approx", "dept", "ed", "eds", "vols", "figs", "nos", "mt", "ft")
GERMAN = ("bzw", "ca", "z.b", "d.h", "u.a")
ABBREVIATIONS = frozenset((*TITLES, *RANKS, *MONTHS, *OTHERS, *GERMAN))
NUMBERED = frozenset({"no", "nr", "vol", "fig", "p", "pp", "ch", "sec", "art"})  # abbreviations only before a number


class Border(IntEnum):
    """What kind of place a cut after a word would be, the better the larger."""

    WORD = 0
    CLAUSE = 1
    SENTENCE = 2
    PARAGRAPH = 3


def border_after(word: str, following: str) -> Border:
    """Return the border between two neighbouring words of one paragraph, never PARAGRAPH."""
    bare = word.rstrip(CLOSING)
    if bare and bare[-1] in ENDING and _starts_sentence(following) and not _is_abbreviation(bare, following):
        return Border.SENTENCE
    if bare and (bare[-1] in CLAUSE or bare[-1] in ENDING[1:]):
        return Border.CLAUSE
    return Border.CLAUSE if following[0] in "–—" else Border.WORD


def _starts_sentence(word: str) -> bool:
    bare = word.lstrip(OPENING)
    # Scripts without case (Chinese, Arabic) have no capital to wait for, so anything that is not lower case will do.
    return not bare[:1].islower()


def _is_abbreviation(bare: str, following: str) -> bool:
    if not bare.endswith(".") or bare.endswith(".."):
        return False
    stem = bare[:-1].lstrip(OPENING)
    if len(stem) == 1 and stem.isalpha() and stem != "I":
        return True  # an initial, as in J. Smith
    lowered = stem.lower()
    if lowered in NUMBERED:
        return following.lstrip(OPENING)[:1].isdigit()
    return lowered in ABBREVIATIONS
