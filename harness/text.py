"""Named text normalisers (layer 1). A word error rate means nothing without the name of one.

Every normaliser maps a string to lower-level words separated by single spaces; the same one is applied to the
reference and to the hypothesis. ``whisper-english`` and ``whisper-basic`` are openai-whisper's own (Radford et al.
2022, appendix C); ``seed-tts-eval`` strips punctuation as the evaluation of Seed-TTS does (Anastassiou et al. 2024).
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from harness.errors import ConfigError, nearest

# Languages written without spaces: their error rate is counted in characters.
UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my", "bo"})

_TAG = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")


@dataclass(frozen=True, slots=True)
class Normaliser:
    """A named function from text to normalised text. ``letters``: its words are single characters."""

    name: str
    function: Callable[[str], str]
    letters: bool = False

    def __call__(self, text: str) -> str:
        """Return the normalised words joined by single spaces; empty when nothing is left.

        Words without any letter or digit are dropped (but by ``none``): whisper's English normaliser makes one of an
        ellipsis, and nobody speaks it.
        """
        clean = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate is no letter
        words = self.function(clean).split()
        return " ".join(w for w in words if self.name == "none" or any(c.isalnum() for c in w))


def spoken_text(text: str) -> str:
    """Return ``text`` without tags (``<whisper>``, ``[laughs]``), with what stands in parentheses kept.

    Whisper's normalisers drop parentheses together with their content. A voice reads that content aloud, so that
    dropping it on the reference's side alone would count healthy words as insertions.
    """
    return re.sub(r"[()（）]", " ", _TAG.sub(" ", text))


def _whisper_english() -> Callable[[str], str]:
    from whisper.normalizers import EnglishTextNormalizer

    stock = EnglishTextNormalizer()
    return lambda text: str(stock(spoken_text(text)))


def _whisper_basic(letters: bool) -> Callable[[str], str]:
    from whisper.normalizers import BasicTextNormalizer

    stock = BasicTextNormalizer(split_letters=letters)
    return lambda text: str(stock(spoken_text(text)))


def _seed_tts_eval(text: str) -> str:
    lowered = spoken_text(text).lower().replace("’", "'")
    return "".join(" " if _is_punctuation(c) else c for c in lowered)


def _is_punctuation(character: str) -> bool:
    return character != "'" and (character in string.punctuation or unicodedata.category(character)[0] == "P")


_FACTORIES: dict[str, Callable[[], Normaliser]] = {
    "whisper-english": lambda: Normaliser("whisper-english", _whisper_english()),
    "whisper-basic": lambda: Normaliser("whisper-basic", _whisper_basic(False)),
    "whisper-basic-letters": lambda: Normaliser("whisper-basic-letters", _whisper_basic(True), letters=True),
    "seed-tts-eval": lambda: Normaliser("seed-tts-eval", _seed_tts_eval),
    "none": lambda: Normaliser("none", str),
}


def normaliser_names() -> list[str]:
    """Return the names of all normalisers."""
    return sorted(_FACTORIES)


@cache
def normaliser(name: str) -> Normaliser:
    """Return the normaliser of that name. Raises ConfigError with the nearest name."""
    factory = _FACTORIES.get(name)
    if factory is None:
        raise ConfigError(f"unknown text normaliser {name!r}{nearest(name, _FACTORIES)}")
    return factory()


def default_normaliser(language: str) -> str:
    """Return the name of the normaliser for a BCP-47 language tag."""
    primary = language.replace("_", "-").split("-")[0].lower()
    if primary == "en":
        return "whisper-english"
    return "whisper-basic-letters" if primary in UNSPACED else "whisper-basic"
