"""Words to phones: gruut's American lexicon and letter-to-sound model, in the phone set of the voice."""

from __future__ import annotations

import base64
import functools
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends.voice.abbreviations import LETTER_PHONES
from harness.backends.voice.exceptions import HOMOGRAPHS, PRONUNCIATIONS, WEAK_BEFORE

if TYPE_CHECKING:
    from pycrfsuite import Tagger

IPA_TO_PHONE = {
    "ə": "ax", "ʌ": "ah", "ɑ": "aa", "æ": "ae", "ɔ": "ao", "aʊ": "aw", "aɪ": "ay", "ɛ": "eh", "ɚ": "er", "eɪ": "ey",
    "ɪ": "ih", "i": "iy", "oʊ": "ow", "ɔɪ": "oy", "ʊ": "uh", "u": "uw", "b": "b", "t͡ʃ": "ch", "d": "d", "ð": "dh",
    "f": "f", "ɡ": "g", "h": "hh", "d͡ʒ": "jh", "k": "k", "l": "l", "m": "m", "n": "n", "ŋ": "ng", "p": "p", "ɹ": "r",
    "s": "s", "ʃ": "sh", "t": "t", "θ": "th", "v": "v", "w": "w", "j": "y", "z": "z", "ʒ": "zh",
}  # fmt: skip
VOWELS = frozenset(["aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw"])
CONTEXT = 3  # letters either side that the letter-to-sound model looks at


def from_ipa(phonemes: str) -> list[str]:
    """Convert IPA: "ɹ ˈi d" -> ["r", "iy1", "d"]. Primary and secondary stress are both 1."""
    out = []
    for symbol in phonemes.split():
        bare = symbol.lstrip("ˈˌ")
        phone = IPA_TO_PHONE[bare]
        stressed = bare != symbol
        if phone == "ax" and stressed:
            phone = "ah"
        out.append(phone + ("1" if stressed else "0") if phone in VOWELS else phone)
    return out


@functools.cache
def _data_folder() -> Path:
    import gruut_lang_en

    return Path(gruut_lang_en.__file__).parent


class Lexicon:
    """Pronunciations by lookup, then by letter-to-sound. Not safe to share between threads."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(f"file:{_data_folder() / 'lexicon.db'}?mode=ro", uri=True)
        self._tagger: Tagger | None = None

    @functools.cached_property
    def words(self) -> frozenset[str]:
        """Return every word of the lexicon, lower case."""
        return frozenset(row[0] for row in self._database.execute("SELECT DISTINCT word FROM word_phonemes"))

    def lookup(self, word: str) -> list[tuple[str, list[str]]]:
        """Return (role, phones) of each listed pronunciation, first choice first; empty when the word is not listed."""
        rows = self._database.execute(
            "SELECT role, phonemes FROM word_phonemes WHERE word = ? ORDER BY pron_order", (word,)
        )
        return [(str(role), from_ipa(phonemes)) for role, phonemes in rows]

    def pronounce(self, word: str, previous: str = "", following: str = "") -> list[str]:
        """Return phones of a lower-case word between its neighbours ("" at a pause)."""
        if word in WEAK_BEFORE:
            before_vowel, otherwise = WEAK_BEFORE[word]
            starts = self.pronounce(following)[:1] if following and following not in WEAK_BEFORE else []
            return (before_vowel if starts and starts[0].rstrip("01") in VOWELS else otherwise).split()
        if word in PRONUNCIATIONS:
            return PRONUNCIATIONS[word].split()
        listed = self.lookup(word)
        if word in HOMOGRAPHS:
            return HOMOGRAPHS[word](previous, following).split()
        if listed:
            return next((phones for role, phones in listed if role != "gruut:letter"), listed[0][1])
        return self._derive(word)

    def _derive(self, word: str) -> list[str]:
        for form in (word.strip("'"), word.replace("'", "")):
            if form != word and form in self.words:
                return self.pronounce(form)
        if word.endswith(("'s", "s'")):
            base = self.pronounce(word[:-2] if word.endswith("'s") else word[:-1])
            return base if word.endswith("s'") else [*base, *_possessive(base)]
        letters = re.sub(r"[^a-z]", "", word)
        if letters and not re.search(r"[aeiouy]", letters):
            return [p for c in letters for p in LETTER_PHONES[c].split()]
        return self._compound(letters) or self._sound_out(letters)

    def _compound(self, word: str) -> list[str]:
        """Two listed words of four letters or more, run together ("lamplighter" need not be guessed)."""
        for cut in range(len(word) - 4, 3, -1):
            head, tail = word[:cut], word[cut:]
            if head in self.words and tail in self.words:
                return self.pronounce(head) + [p[:-1] + "0" if p[-1] == "1" else p for p in self.pronounce(tail)]
        return []

    def _sound_out(self, word: str) -> list[str]:
        if not word:
            return []
        if self._tagger is None:
            import pycrfsuite

            self._tagger = pycrfsuite.Tagger()
            self._tagger.open(str(_data_folder() / "g2p" / "model.crf"))
        labels = self._tagger.tag([_features(word, i) for i in range(len(word))])
        phonemes = " ".join(base64.b64decode(label).decode().replace("|", " ") for label in labels)
        return from_ipa(" ".join(p for p in phonemes.split() if p != "_"))


def _possessive(base: list[str]) -> list[str]:
    last = base[-1] if base else ""
    if last in ("s", "z", "sh", "zh", "ch", "jh"):
        return ["ax0", "z"]
    return ["s"] if last in ("p", "t", "k", "f", "th") else ["z"]


def _features(word: str, index: int) -> list[str]:
    def coded(letter: str) -> str:
        return base64.b64encode(letter.encode()).decode()

    features = ["bias", f"grapheme:{coded(word[index])}"]
    features += ["begin"] if index == 0 else []
    features += ["end"] if index == len(word) - 1 else []
    for offset in range(1, CONTEXT + 1):
        if index >= offset:
            features.append(f"grapheme-{offset}:{coded(word[index - offset])}")
        if index + offset < len(word):
            features.append(f"grapheme+{offset}:{coded(word[index + offset])}")
    return features
