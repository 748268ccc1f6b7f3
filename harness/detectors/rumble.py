"""Rumble: noise that moves as speech does, and nothing in it is voiced."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, coloured, give, loudness, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    known,
    required_payload,
)

LEAST = 0.005  # share that stands for "nothing is voiced"
SHORTEST = 1.0  # s; less says nothing of voicing


def water(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Add brown noise under the speech's own envelope, ``dose`` dB above the speech, at the level the speech had."""
    x, rate = speech(material)
    width = int(0.05 * rate)
    envelope = np.convolve(np.abs(x), np.ones(width) / width, "same")
    moved = coloured(len(x), 2.0, rng) * envelope
    level = loudness(x, rate)
    mixed = x + moved * (level / max(loudness(moved, rate), 1e-12)) * 10 ** (dose / 20)
    return give(material, mixed * level / loudness(mixed, rate), 0.0, len(x) / rate)


class Rumble(BaseFault):
    name = "rumble"
    title = "rumbling or hissing that moves like speech, and nothing in it is voiced"
    family = Family.WAVEFORM
    causes = (
        "a diffusion decoder with a wrong step or stop token",
        "mel values offset or scaled",
        "tokens in disorder",
    )
    observes = ("pitch", "signal")
    unit = "-ln(voiced share)"
    relation = Relation.EXCESS
    default_margin = math.log(2.5)  # without a reference nothing is said: whispered voices are healthy
    explains = (
        "unintelligible",
        "truncation",
        "skipped-words",
        "inserted-words",
        "gibberish-tail",
        "loop",
        "bandwidth",
        "wrong-speaker",
        "sample-rate",
        "noise-floor",
    )
    sources = (
        Citation("rumbling water at the right length and level", "https://github.com/DevMan57/indextts2-rust"),
        Citation("envelope variation caught 48% of it, spectral flatness none"),
    )
    injectors = audio("dB above the speech", (-10.0, 0.0, 10.0, 20.0, 40.0), 40.0, water)

    def measure(self, view: DetectorInput) -> DetectorValue:
        if known(required_payload(view, "signal").get("duration"), "duration") < SHORTEST:
            raise NotApplicable(f"less than {SHORTEST:.0f} s of audio")
        share = max(known(required_payload(view, "pitch").get("voiced_fraction"), "voiced_fraction"), LEAST)
        return DetectorValue(-math.log(share), None, f"{share:.0%} of the speech is voiced")
