"""Overlong: far more audio than the text needs."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._figures import expected_syllables, inner_pauses, wanted_pauses
from harness.detectors._inject import audio, crossfade, give, loudest, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    known,
    required_payload,
)

LEAST_SYLLABLES = 3.0  # with the silence around it and its long vowel, "Yes." lasts as long as three within a sentence


def hold(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Hold the loudest sound for ``dose`` times the clip's length, as a model does that lost its place."""
    x, rate = speech(material)
    start, width = loudest(x, rate, 0.2), int(0.2 * rate)
    rounds = int(np.ceil(dose * len(x) / width))
    stretched = crossfade([x[:start], *[x[start : start + width]] * (rounds + 1), x[start + width :]], rate)
    return give(material, stretched, start / rate, (start + (rounds + 1) * width) / rate)


class Overlong(BaseFault):
    name = "overlong"
    title = "far more audio than the text needs"
    family = Family.TIMING
    causes = ("the end was missed, also where the backend hides its token cap", "a loop", "slow speech")
    observes = ("signal",)
    unit = "ln(seconds a syllable)"
    relation = Relation.EXCESS
    default_margin = math.log(1.8)
    default_limit = math.log(2.0)  # 2 s a syllable; a slow "Yes." with its silence takes more than 1.2
    least_difference = math.log(1.5)  # a slow voice takes a third more for one text than for another of its length
    sources = (
        Citation("a hidden cap shows as identical maximal durations", "https://github.com/QwenLM/Qwen3-TTS/issues/118"),
        Citation("duration judged by the voice's own residual given the syllables, not by a formula on characters"),
    )
    injectors = audio("lengths more", (0.25, 0.5, 1.0, 2.0, 4.0), 2.0, hold)

    def measure(self, view: DetectorInput) -> DetectorValue:
        duration = known(required_payload(view, "signal").get("duration"), "duration")
        syllables = max(expected_syllables(view), LEAST_SYLLABLES)
        gaps = [end - start for start, end in inner_pauses(view)]
        granted = sum(min(pair) for pair in zip(wanted_pauses(view), gaps, strict=False))
        duration = max(duration - granted, 0.01)
        pauses = f", {granted:.2f} s of pauses that the text asks for left out" if granted else ""
        detail = f"{duration:.2f} s for {expected_syllables(view):.0f} syllables{pauses}"
        return DetectorValue(math.log(duration / syllables), (0.0, duration), detail)
