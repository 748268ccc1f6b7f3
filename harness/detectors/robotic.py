"""Robotic: the harmonics have lost their phase."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._figures import expected_syllables
from harness.detectors._inject import audio, give, loudness, speech
from harness.detectors.base import (
    BaseFault,
    CannotJudge,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    required_payload,
)
from harness.text import count_words

FEWEST_WORDS = 2
FEWEST_SYLLABLES = 8  # in half of fewer there may be a single vowel; then both halves tell together


def lose_phase(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Shift the phase of every time-frequency cell of the second half at random, by up to ``dose`` / 2 radians."""
    from scipy.signal import istft, stft

    x, rate = speech(material)
    half, width = len(x) // 2, int(0.02 * rate) // 2 * 2
    _, _, cells = stft(x[half:], fs=rate, nperseg=width)
    shift = rng.uniform(-dose / 2, dose / 2, cells.shape)
    _, rough = istft(cells * np.exp(1j * shift), fs=rate, nperseg=width)
    rough = np.resize(rough, len(x) - half)
    return give(material, np.concatenate([x[:half], rough]), half / rate, len(x) / rate)


def half_precision(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Speak the clip again with a source whose running phase is float16 and has been running for ``dose`` s already.

    Raises CannotInject where so little is voiced that float16 holds the phase well enough.
    """
    from harness.detectors._half_phase import resynthesized

    x, rate = speech(material)
    spoken = resynthesized(x, rate, half=True, before=dose)
    return give(material, spoken * loudness(x, rate) / max(loudness(spoken, rate), 1e-9), 0.0, len(x) / rate)


class Robotic(BaseFault):
    name = "robotic"
    title = "a robotic, rough voice: the harmonics have lost their phase"
    family = Family.WAVEFORM
    causes = ("the running phase of the source kept in half precision", "a vocoder run at the wrong hop")
    observes = ("pitch",)
    unit = "dB, minus the periodicity of the worse half"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 6.0
    sources = (
        Citation(
            "phase of about 4000 rad kept with a step of 4 against 0.05",
            "https://github.com/FluidInference/mobius/issues/58",
        ),
        Citation(
            "harmonicity per half against the reference; an absolute limit missed half; over all active frames, as a "
            "pitch tracker leaves out what has become rough",
            "https://github.com/FluidInference/mobius/issues/58",
        ),
    )
    injectors = (
        *audio("s that the float16 phase has run before", (0.0, 1.0, 3.0, 10.0), 0.0, half_precision),
        *audio("rad", (0.5, 1.0, 2.0, 4.0, 6.2), 4.0, lose_phase, "scramble"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        given = required_payload(view, "pitch").get("periodicity_db_halves")
        if given is None:
            raise CannotJudge("how far the sound repeats is unknown")
        halves = [float(half) for half in given if half is not None]
        words = count_words(view.chunk.expected_text)
        if not halves or 0 < words < FEWEST_WORDS:
            raise NotApplicable("too little sound: one dying syllable decides over half of it")
        shown = ", ".join(f"{half:.1f} dB" for half in halves)
        short = words > 0 and expected_syllables(view) < FEWEST_SYLLABLES
        worse = sum(halves) / len(halves) if short else min(halves)
        return DetectorValue(-worse, None, f"periodicity of the halves {shown}")
