"""Language switch: part of the speech is in another language."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import quoted
from harness.detectors._inject import audio, crossfade, give, speech
from harness.detectors._stretches import unexplained_speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
)


def go_on_abroad(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Append ``dose`` seconds of another voice, which should speak another language."""
    x, rate = speech(material)
    if material.other is None:
        raise CannotInject("no speech in another language")
    y, other_rate = speech(material.other)
    y = np.interp(np.arange(0, len(y) - 1, other_rate / rate), np.arange(len(y)), y)
    tail = np.resize(y, int(dose * rate))
    return give(material, crossfade([x, tail], rate), len(x) / rate, len(x) / rate + dose)


class LanguageSwitch(BaseFault):
    name = "language-switch"
    title = "part of the speech is in another language"
    family = Family.TRANSCRIPT
    causes = (
        "a multilingual model loses the language tag",
        "text that mixes languages",
        "a prompt in another language",
    )
    observes = ("edit_likelihood",)
    unit = "log-odds that speech which the text does not explain is in another language"
    relation = Relation.EXCESS
    default_margin = 1.0
    default_limit = 0.5
    explains = ("gibberish-tail", "inserted-words", "unintelligible")
    sources = (
        Citation("a Chinese tail after an English text", "https://github.com/coqui-ai/TTS/issues/4187"),
        Citation("Whisper base names the language of each stretch of 1 s and more (docs/judging.md)"),
    )
    injectors = audio("s", (0.5, 1.0, 2.0, 4.0), 2.0, go_on_abroad)

    def measure(self, view: DetectorInput) -> DetectorValue:
        stretches = [one for one in unexplained_speech(view) if one.language is not None and not one.misheard]
        if any(one.own is None for one in stretches):
            raise NotApplicable(f"Whisper does not know the language {view.chunk.language!r}")
        worst = max(stretches, key=lambda one: one.other_language, default=None)
        if worst is None or worst.other_language <= 0.0:
            return DetectorValue(0.0)
        detail = (
            f"{worst.seconds:.1f} s in {language_name(worst.language or '')}, heard as {quoted(worst.heard.split())}"
        )
        return DetectorValue(worst.other_language, worst.span, detail)


def language_name(code: str) -> str:
    """Return the English name of a language that Whisper knows, or the code itself."""
    from whisper.tokenizer import LANGUAGES

    return str(LANGUAGES.get(code, code)).title()
