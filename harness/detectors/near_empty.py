"""Near-empty: far less speech than the text needs."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._figures import expected_syllables, speech_seconds
from harness.detectors._inject import audio, give, speech
from harness.detectors.base import BaseFault, Citation, DetectorValue, Family, InjectionMaterial

SHORTEST = 0.01  # s; below this the logarithm would run away


def leave_a_piece(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Keep only the first 1 - ``dose`` of the audio."""
    x, rate = speech(material)
    kept = max(int((1 - dose) * len(x)), rate // 20)
    return give(material, x[:kept], kept / rate, len(x) / rate)


class NearEmpty(BaseFault):
    name = "near-empty"
    title = "far less speech than the text needs"
    family = Family.TIMING
    causes = ("the stop token came at once", "a stale prefix cache", "a buffer that was never flushed")
    observes = ("signal",)
    unit = "ln(syllables a second)"
    relation = Relation.EXCESS  # of a logarithm: ln(reference's seconds / these seconds)
    physical_limit = math.log(20.0)  # nobody speaks 20 syllables a second
    default_margin = math.log(1 / 0.4)
    default_limit = math.log(14.0)
    essential = True
    explains = (
        "truncated-ending",
        "truncation",
        "loop",
        "skipped-words",
        "unintelligible",
        "bandwidth",
        "level-offset",
        "lost-audio",
        "noise-floor",
        "robotic",
    )
    sources = (
        Citation(
            "0.2-0.4 s for whole sentences; below 0.4 of the reference",
            "https://github.com/Lourdle/cosyvoice.cpp/issues/4",
        ),
        Citation("early end of speech", "https://github.com/canopyai/Orpheus-TTS/issues/307"),
    )
    injectors = audio("share lost", (0.3, 0.5, 0.7, 0.85, 0.95), 0.95, leave_a_piece)

    def measure(self, view: DetectorInput) -> DetectorValue:
        seconds = speech_seconds(view)
        syllables = expected_syllables(view)
        rate = syllables / max(seconds, SHORTEST)
        return DetectorValue(math.log(rate), (0.0, seconds), f"{seconds:.2f} s of speech for {syllables:.0f} syllables")
