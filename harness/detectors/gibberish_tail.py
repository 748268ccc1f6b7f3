"""Gibberish tail: sound goes on after the last word."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import quoted
from harness.detectors._inject import audio, crossfade, give, speech
from harness.detectors._stretches import unexplained_speech
from harness.detectors.base import BaseFault, Citation, DetectorValue, Family, InjectionMaterial


def murmur_on(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Append ``dose`` seconds of the clip's own speech, reversed and 6 dB quieter."""
    x, rate = speech(material)
    strange = 0.5 * np.resize(x[::-1], int(dose * rate))
    return give(material, crossfade([x, strange], rate), len(x) / rate, len(x) / rate + dose)


class GibberishTail(BaseFault):
    name = "gibberish-tail"
    title = "sound goes on after the last word"
    family = Family.TRANSCRIPT
    causes = ("the end of speech was missed", "text without a final stop", "the token cap was the only end")
    observes = ("edit_likelihood",)
    unit = "s of speech beyond what the last words need"
    relation = Relation.EXCESS
    default_margin = 1.0
    default_limit = 1.2
    sources = (
        Citation("murmur after the last word", "https://github.com/resemble-ai/chatterbox/issues/388"),
        Citation("voiced for more than 1 s after the last aligned word"),
    )
    injectors = audio("s", (0.3, 0.6, 1.0, 2.0, 5.0), 2.0, murmur_on)

    def measure(self, view: DetectorInput) -> DetectorValue:
        tail = next((one for one in unexplained_speech(view) if one.at_end), None)
        if tail is None:
            return DetectorValue(0.0)
        heard_as = f", heard as {quoted(tail.heard.split())}" if tail.heard else ""
        return DetectorValue(max(0.0, tail.too_many), tail.span, f"{tail.too_many:.2f} s after the last word{heard_as}")
