"""Named text normalisers. A word error rate means nothing without the name of one, and its version.

``english``, ``words:LANGUAGE`` and ``characters:LANGUAGE`` are the ones that figures of a run rest on; they are chosen
by the language of a chunk. ``whisper-english``, ``whisper-basic`` and ``whisper-basic-letters`` are Whisper's own
(Radford et al. 2022, appendix C), ``seed-tts-eval`` strips punctuation as the evaluation of Seed-TTS does (Anastassiou
et al. 2024): for figures that are to be compared with published ones, faults and all.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from harness.core.errors import ConfigError, nearest
from harness.core.registry import Registry
from harness.text.characters import fold_characters
from harness.text.english import english_tokens
from harness.text.identifiers import DIGIT, heard_digits
from harness.text.markup import spoken_text
from harness.text.pairing import pair_tokens
from harness.text.readings import readings_of
from harness.text.scripts import is_unspaced, primary
from harness.text.tokens import OPTIONAL, plain_token, spoken_tokens
from harness.text.units import UNIT

TEXT_VERSION = "3"
"""Version of all normalisers. Figures of different versions are not compared: raise it with every change of a rule."""
NORMALISER_KEY = "text normaliser"
"""Among the keys of a profile and of limits: the version that their figures rest on."""
_FIRST_VERSION = "1"  # labels of the first version named none


def normaliser_version(label: str) -> str:
    """Return the version in a normaliser's label: ``2`` of ``english/2``."""
    return label.partition("/")[2] or _FIRST_VERSION


def with_normaliser(keys: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of a profile or of limits with the version of their normalisers, also where they name none."""
    named = {NORMALISER_KEY: _FIRST_VERSION} if "scorer.intelligibility" in keys else {}
    return {**named, **keys}


@dataclass(frozen=True, slots=True)
class Normaliser:
    """A named function from text to normalised text. ``letters``: its words are single characters.

    ``language``: whose readings of numbers, signs and abbreviations :meth:`pair` takes for equal; empty: none.
    """

    name: str
    function: Callable[[str], list[str]]
    letters: bool = False
    language: str = ""
    version: str = TEXT_VERSION

    @property
    def label(self) -> str:
        """Return the name and version, as figures are labelled: ``english/2``."""
        return f"{self.name}/{self.version}"

    def __call__(self, text: str) -> str:
        """Return the normalised words joined by single spaces; empty when nothing is left.

        Words without any letter or digit are dropped (but by ``none``, and signs that have a name): whisper's English
        normaliser makes one of an ellipsis, and nobody speaks it.
        """
        return " ".join(plain_token(token) for token in self._tokens(text) if not token.startswith(OPTIONAL))

    def pair(self, reference: str, hypothesis: str) -> tuple[str, str]:
        """Return both texts normalised, with what says the same in another spelling spelled as in the reference.

        Different are then only words that sound different: ``21`` equals ``einundzwanzig``, ``5 km`` equals ``fünf
        Kilometer``, ``rail road`` equals ``railroad``. Words in square brackets and emoji count only where both have
        them.
        """
        one, other = self._tokens(reference), self._tokens(hypothesis)
        if not self.language:
            return " ".join(map(plain_token, one)), " ".join(map(plain_token, other))
        if any(token.startswith(DIGIT) for token in (*one, *other)):
            one, other = ([part for token in side for part in heard_digits(token, OPTIONAL)] for side in (one, other))
        left, right = pair_tokens(one, other, self._alternatives, self._spelled)
        return " ".join(left), " ".join(right)

    def _tokens(self, text: str) -> list[str]:
        clean = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate is no letter
        return self.function(clean)

    def _spelled(self, token: str) -> list[str]:
        """Return the words of a token's usual reading; English keeps the digits that Whisper's normaliser writes."""
        word = plain_token(token)
        if self.language == "en" and not token.startswith(UNIT) and any(c.isalnum() for c in word):
            return [word]
        usual = next(iter(readings_of(token.lstrip(DIGIT), self.language)), "")
        return self(usual).split() if usual and not token.isalpha() else [word]

    def _alternatives(self, token: str) -> tuple[str, ...]:
        return _joined_readings(self.name, token)


@lru_cache(maxsize=32768)
def _joined_readings(name: str, token: str) -> tuple[str, ...]:
    """Return the readings of a token, each normalised in its turn, letters joined."""
    chosen = normaliser(name)
    candidates = ("".join(chosen(reading).split()) for reading in readings_of(token.lstrip(DIGIT), chosen.language))
    return tuple(dict.fromkeys(joined for joined in candidates if joined and joined != plain_token(token)))


def _spoken(words: str) -> list[str]:
    return [w for w in words.split() if any(c.isalnum() for c in w)]


def _whisper_english() -> Callable[[str], list[str]]:
    from whisper_normalizer.english import EnglishTextNormalizer

    stock = EnglishTextNormalizer()
    return lambda text: _spoken(str(stock(fold_characters(spoken_text(text)))))


def _whisper_basic(letters: bool) -> Callable[[str], list[str]]:
    from whisper_normalizer.basic import BasicTextNormalizer

    stock = BasicTextNormalizer(split_letters=letters)
    return lambda text: _spoken(str(stock(spoken_text(text))))


def _seed_tts_eval(text: str) -> list[str]:
    lowered = fold_characters(spoken_text(text)).lower()
    return _spoken("".join(" " if _is_punctuation(c) else c for c in lowered))


def _is_punctuation(character: str) -> bool:
    return character != "'" and (character in string.punctuation or unicodedata.category(character)[0] == "P")


_FACTORIES: dict[str, Callable[[], Normaliser]] = {
    "english": lambda: Normaliser("english", english_tokens, language="en"),
    "words": lambda: Normaliser("words", spoken_tokens),
    "characters": lambda: Normaliser("characters", lambda text: spoken_tokens(text, letters=True), letters=True),
    "whisper-english": lambda: Normaliser("whisper-english", _whisper_english()),
    "whisper-basic": lambda: Normaliser("whisper-basic", _whisper_basic(False)),
    "whisper-basic-letters": lambda: Normaliser("whisper-basic-letters", _whisper_basic(True), letters=True),
    "seed-tts-eval": lambda: Normaliser("seed-tts-eval", _seed_tts_eval),
    "none": lambda: Normaliser("none", lambda text: text.split()),
}


# of installed packages: a function from a text to its normalised words
_PLUGINS: Registry[Callable[[str], list[str]]] = Registry("normaliser", "tts_soak.normalisers", ("__call__",))


def normaliser_names() -> list[str]:
    """Return the names of all normalisers; ``words`` and ``characters`` also take a language: ``words:de``."""
    return sorted({*_FACTORIES, *_PLUGINS.plugins()})


@cache
def normaliser(name: str) -> Normaliser:
    """Return the normaliser of that name. Raises ConfigError with the nearest name."""
    family, _, language = name.partition(":")
    if language and family in ("words", "characters"):
        short = primary(language)
        letters = family == "characters"
        return Normaliser(name, lambda text: spoken_tokens(text, short, letters), letters, short)
    factory, entry = _FACTORIES.get(name), _PLUGINS.plugins().get(name)
    if entry is not None:
        if factory is not None:
            raise ConfigError(f"{entry}: the normaliser {name!r} is there already, from tts-soak itself")
        return Normaliser(name, _PLUGINS.get(name), version=f"{entry.package} {entry.version}")
    if factory is None:
        raise ConfigError(f"unknown text normaliser {name!r}{nearest(name, normaliser_names())}")
    return factory()


def default_normaliser(language: str) -> str:
    """Return the name of the normaliser for a BCP-47 language tag."""
    short = primary(language)
    if short == "en":
        return "english"
    return f"characters:{short}" if is_unspaced(short) else f"words:{short}"
