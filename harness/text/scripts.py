"""Languages and scripts: which are written without spaces, and how many words a text has whatever its script is."""

from __future__ import annotations

import re
from functools import lru_cache

UNSPACED = frozenset({"zh", "cmn", "yue", "wuu", "nan", "lzh", "ja", "th", "lo", "km", "my", "bo", "dz"})
"""Languages written without spaces between words: their error rate is counted in characters."""

LETTERS_PER_WORD = 2  # how many letters of an unspaced script are counted as a word

SPACED_LETTER = (
    r"(?:(?![\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}])[\p{L}\p{M}])"
)
"""Pattern of a letter or mark that a number next to it belongs to; Korean writes its endings right behind numbers."""

# Han, kana, Thai, Lao, Tibetan, Myanmar, Khmer. Hangul is written with spaces.
_RUN = re.compile(
    "[\u0e00-\u0e7f\u0e80-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


ANOTHER_TAG = {"cmn": "zh", "iw": "he"}
"""Primary subtags that mean a language which has tables under another one."""


def primary(language: str) -> str:
    """Return the primary subtag of a BCP-47 tag in lower case: ``pt`` of ``pt_BR``."""
    return language.replace("_", "-").split("-")[0].lower()


def is_unspaced(language: str) -> bool:
    """Return whether a language is written without spaces between words."""
    return primary(language) in UNSPACED


@lru_cache(maxsize=1 << 16)  # every text of a run is asked for again when its session ends
def count_words(text: str) -> int:
    """Return the number of words of a text as it is spoken, 0 where nothing is: the one count of words everywhere.

    Tags are no words, nor are dashes and other marks that stand alone. In scripts written without spaces two letters
    count as a word, whatever language the chunk is said to be in.
    """
    from harness.text.markup import spoken_text

    total = 0
    for piece in spoken_text(text).split():
        wide = sum(c.isalnum() for c in _RUN.findall(piece))
        total += -(-wide // LETTERS_PER_WORD) + any(c.isalnum() for c in _RUN.sub("", piece))
    return total
