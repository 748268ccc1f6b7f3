"""Pronunciations in context: weak forms, homographs and what the teacher says otherwise than the lexicon."""

from __future__ import annotations

from collections.abc import Callable

# word -> (phones before a vowel, phones otherwise)
WEAK_BEFORE = {"the": ("dh iy0", "dh ax0")}
PRONUNCIATIONS = {
    "a": "ax0", "an": "ae1 n", "to": "t ax0", "and": "ae1 n d", "of": "ah1 v", "for": "f ao1 r", "or": "ao1 r",
    "i": "ay1", "was": "w aa1 z", "nasa": "n ae1 s ax0", "nato": "n ey1 t ow0", "ok": "ow1 k ey1",
    "in": "ih0 n", "hundred": "hh ah1 n d r ax0 d", "with": "w ih1 dh", "on": "aa1 n", "your": "y ao1 r",
    "into": "ih0 n t uw1", "used": "y uw1 z d", "her": "hh er0", "without": "w ih0 th aw1 t", "than": "dh ae1 n",
    "can": "k ae1 n", "thirty": "th er1 d iy0", "united": "y uw0 n ay1 t ax0 d", "israel": "ih1 z r iy0 ax0 l",
    "cause": "k aa1 z", "because": "b ih0 k ao1 z", "language": "l ae1 ng g w ax0 jh", "new": "n uw1",
    "american": "ax0 m eh1 r ax0 k ax0 n", "america": "ax0 m eh1 r ax0 k ax0", "thereof": "th eh0 r ah1 v",
    "several": "s eh1 v r ax0 l", "military": "m ih1 l ax0 t eh1 r iy0", "until": "ax0 n t ih1 l",
    "every": "eh1 v er0 iy0", "surface": "s er1 f ax0 s", "service": "s er1 v ax0 s", "often": "ao1 f ax0 n",
    "forest": "f ao1 r ax0 s t", "family": "f ae1 m ax0 l iy0", "office": "ao1 f ax0 s",
    "different": "d ih1 f er0 ax0 n t", "usually": "y uw1 zh ax0 w ax0 l iy0", "business": "b ih1 z n ax0 s",
    "knowledge": "n aa1 l ax0 jh", "information": "ih1 n f er0 m ey1 sh ax0 n", "minutes": "m ih1 n ax0 t s",
}  # fmt: skip
DETERMINERS = frozenset(
    [
        "the",
        "a",
        "an",
        "my",
        "your",
        "his",
        "her",
        "its",
        "our",
        "their",
        "this",
        "that",
        "these",
        "those",
        "some",
        "any",
        "no",
        "every",
        "each",
    ]
)
MODALS = frozenset(
    [
        "to",
        "will",
        "would",
        "can",
        "could",
        "must",
        "shall",
        "should",
        "may",
        "might",
        "let",
        "i",
        "we",
        "they",
        "you",
        "who",
        "don't",
        "didn't",
    ]
)
PERFECT = frozenset(
    ["had", "has", "have", "having", "was", "were", "been", "be", "is", "are", "already", "never", "ever"]
)


def _noun_or_verb(noun: str, verb: str) -> Callable[[str, str], str]:
    return lambda previous, following: verb if previous in MODALS else noun


def _read(previous: str, following: str) -> str:
    past = previous in PERFECT or previous in {"he", "she", "it"}
    return "r eh1 d" if past else "r iy1 d"


def _live(previous: str, following: str) -> str:
    adjective = previous in DETERMINERS and following != ""
    return "l ay1 v" if adjective else "l ih1 v"


def _close(previous: str, following: str) -> str:
    near = previous in {"very", "so", "too", "came", "come", "comes", "is", "was", "were", "drew", "stood"}
    return "k l ow1 s" if near or following in {"to", "by", "enough"} else "k l ow1 z"


def _use(previous: str, following: str) -> str:
    noun = previous in DETERMINERS or previous in {"of", "no", "in"}
    return "y uw1 s" if noun else "y uw1 z"


HOMOGRAPHS: dict[str, Callable[[str, str], str]] = {
    "read": _read,
    "live": _live,
    "close": _close,
    "use": _use,
    "lead": lambda p, f: "l eh1 d" if p in {"of", "heavy", "molten"} else "l iy1 d",
    "wind": _noun_or_verb("w ih1 n d", "w ay1 n d"),
    "tear": _noun_or_verb("t ih1 r", "t eh1 r"),
    "tears": lambda p, f: "t eh1 r z" if p in {"he", "she", "it"} else "t ih1 r z",
    "wound": lambda p, f: "w uw1 n d" if p in DETERMINERS else "w aw1 n d",
    "bow": lambda p, f: "b ow1" if p in DETERMINERS else "b aw1",
    "row": lambda p, f: "r ow1",
    "record": _noun_or_verb("r eh1 k er0 d", "r ih0 k ao1 r d"),
    "object": _noun_or_verb("aa1 b jh eh0 k t", "ax0 b jh eh1 k t"),
    "present": _noun_or_verb("p r eh1 z ax0 n t", "p r iy0 z eh1 n t"),
    "desert": _noun_or_verb("d eh1 z er0 t", "d ih0 z er1 t"),
    "minute": lambda p, f: "m ih1 n ax0 t",
    "house": lambda p, f: "hh aw1 z" if p in {"to", "will", "could", "can", "would"} else "hh aw1 s",
    "separate": _noun_or_verb("s eh1 p r ax0 t", "s eh1 p er0 ey1 t"),
    "content": lambda p, f: "k ax0 n t eh1 n t" if p in PERFECT or f in {"to", "with"} else "k aa1 n t eh0 n t",
}
