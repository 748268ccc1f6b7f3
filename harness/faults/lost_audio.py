"""Lost audio: the tokens stand for another length than the audio has."""

import numpy as np

from harness.faults._inject import audio, give, join, place, speech
from harness.faults.base import BaseFault, Family, Material, NotApplicable, Seen, Source, payload
from harness.types import Relation, View


def lose(material: Material, dose: float, rng: np.random.Generator) -> Material:
    """Take ``dose`` seconds out, wherever they are."""
    x, rate = speech(material)
    at, width = place(x, rate, dose, rng), int(dose * rate)
    return give(material, join([x[:at], x[at + width :]], rate), at / rate, at / rate)


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
    sources = (Source("token counts that do not fit the audio", "https://github.com/canopyai/Orpheus-TTS/issues/230"),)
    injectors = audio("s", (0.05, 0.15, 0.5, 1.0, 2.0), 0.5, lose)

    def measure(self, view: View) -> Seen:
        mismatch = payload(view, "tokens").get("length_mismatch")
        if mismatch is None:
            raise NotApplicable("the length of a frame is unknown")
        return Seen(abs(float(mismatch)), None, f"tokens and audio differ by {float(mismatch):+.2f} s")
