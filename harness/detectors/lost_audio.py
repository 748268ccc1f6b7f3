"""Lost audio: the tokens stand for another length than the audio has."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, crossfade, give, place, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    required_payload,
)


def lose(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Take ``dose`` seconds out, wherever they are."""
    x, rate = speech(material)
    at, width = place(x, rate, dose, rng), int(dose * rate)
    return give(material, crossfade([x[:at], x[at + width :]], rate), at / rate, at / rate)


class LostAudio(BaseFault):
    name = "lost-audio"
    title = "the audio is shorter or longer than its tokens say"
    family = Family.TOKENS
    causes = ("frames dropped by the decoder", "a buffer that was never flushed", "a wrong hop length")
    observes = ("tokens", "signal")
    unit = "s of difference"
    relation = Relation.EXCESS
    default_margin = 0.3
    default_limit = 0.5
    explains = (
        "truncation",
        "skipped-words",
    )
    sources = (
        Citation("token counts that do not fit the audio", "https://github.com/canopyai/Orpheus-TTS/issues/230"),
    )
    injectors = audio("s", (0.05, 0.15, 0.5, 1.0, 2.0), 0.5, lose)

    def measure(self, view: DetectorInput) -> DetectorValue:
        mismatch = required_payload(view, "tokens").get("length_mismatch")
        if mismatch is None:
            raise NotApplicable("the length of a frame is unknown")
        return DetectorValue(abs(float(mismatch)), None, f"tokens and audio differ by {float(mismatch):+.2f} s")
