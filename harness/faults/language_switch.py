"""Language switch: part of the speech is in another language."""

import unicodedata

import numpy as np

from harness.faults._inject import audio, give, join, speech
from harness.faults.base import BaseFault, CannotInject, Family, Material, NotApplicable, Seen, Source, payload
from harness.types import Relation, View

DEAF = frozenset({"pocketsphinx", "embedded"})  # engines that write everything in English letters


def go_on_abroad(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Append ``dose`` seconds of another voice, which should speak another language."""
    x, rate = speech(material)
    if material.other is None:
        raise CannotInject("no speech in another language")
    y, other_rate = speech(material.other)
    y = np.interp(np.arange(0, len(y) - 1, other_rate / rate), np.arange(len(y)), y)
    tail = np.resize(y, int(dose * rate))
    return give(material, join([x, tail], rate), len(x) / rate, len(x) / rate + dose)


def script(letter: str) -> str:
    """The script of a letter by its Unicode name: LATIN, CYRILLIC, CJK, ..."""
    return unicodedata.name(letter, "UNKNOWN").split(" ")[0].split("-")[0]


class LanguageSwitch(BaseFault):
    name = "language-switch"
    title = "part of the speech is in another language"
    family = Family.TRANSCRIPT
    causes = (
        "a multilingual model loses the language tag",
        "text that mixes languages",
        "a prompt in another language",
    )
    observes = ("intelligibility",)
    unit = "share of the heard letters in a script that the text does not use"
    relation = Relation.EXCESS
    default_margin = 0.02
    default_limit = 0.05
    maximum = 1.0
    explains = ("gibberish-tail", "inserted-words", "unintelligible")
    sources = (
        Source("a Chinese tail after an English text", "https://github.com/coqui-ai/TTS/issues/4187"),
        Source("recognizers of English alone cannot tell: to them it is speech that is not in the text"),
    )
    injectors = audio("s", (0.5, 1.0, 2.0, 4.0), 2.0, go_on_abroad)

    def measure(self, view: View) -> Seen:
        seen = payload(view, "intelligibility")
        if str(seen.get("engine")) in DEAF:
            raise NotApplicable(f"{seen.get('engine')} writes every language in English letters")
        own = {script(c) for c in view.chunk.text if c.isalpha()}
        heard = [c for c in str(seen.get("text") or "") if c.isalpha()]
        if not own or not heard:
            raise NotApplicable("no letters to compare")
        strange = [c for c in heard if script(c) not in own]
        return Seen(len(strange) / len(heard), None, f"heard '{''.join(strange[:20])}'" if strange else "")
