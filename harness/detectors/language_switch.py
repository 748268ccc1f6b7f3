"""Language switch: part of the speech is in another language."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import Stretch, quoted, unexplained_speech
from harness.detectors._inject import audio, crossfade, give, speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
)

RAREST = 1e-4  # probability; the scorer rounds to it


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
    unit = "log-odds of another language over the text's own, in speech that the text does not explain"
    relation = Relation.EXCESS
    default_margin = 1.0
    default_limit = 1.0
    explains = ("gibberish-tail", "inserted-words", "unintelligible")
    sources = (
        Citation("a Chinese tail after an English text", "https://github.com/coqui-ai/TTS/issues/4187"),
        Citation("Whisper base names the language of each stretch of 0.6 s and more (docs/judging.md)"),
    )
    injectors = audio("s", (0.5, 1.0, 2.0, 4.0), 2.0, go_on_abroad)

    def measure(self, view: DetectorInput) -> DetectorValue:
        stretches = [one for one in unexplained_speech(view) if one.language is not None]
        if any(one.own is None for one in stretches):
            raise NotApplicable(f"Whisper does not know the language {view.chunk.language!r}")
        worst = max(stretches, key=_log_odds, default=None)
        if worst is None or _log_odds(worst) <= 0.0:
            return DetectorValue(0.0)
        detail = (
            f"{worst.seconds:.1f} s in {language_name(worst.language or '')}, heard as {quoted(worst.heard.split())}"
        )
        return DetectorValue(_log_odds(worst), worst.span, detail)


def _log_odds(one: Stretch) -> float:
    """Return how much likelier the likeliest other language is than the text's own.

    Its rest, spread thin over a hundred languages, is what a robotic or noisy voice sounds like, and no other language.
    """
    return math.log(max(one.probability or 0.0, RAREST) / max(one.own or 0.0, RAREST))


def language_name(code: str) -> str:
    """Return the English name of a language that Whisper knows, or the code itself."""
    from whisper.tokenizer import LANGUAGES

    return str(LANGUAGES.get(code, code)).title()
