"""Robotic: the harmonics have lost their phase."""

import numpy as np

from harness.core.records import DetectorInput, Relation
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

NOT_HARMONIC = 0.0  # dB, of a half in which nothing is voiced any more
LEAST_VOICED = 0.5  # s; less says nothing of harmonics
GONE = 0.1  # s; where the reference has enough of it, voicing is lost
USUALLY_VOICED = 0.2  # share of the speech; a voice below is whispered


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
    """Speak the clip again with a source whose running phase is float16 and has been running for ``dose`` s already."""
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
    unit = "dB, minus the harmonicity of the worse half"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 6.0
    expects = True
    sources = (
        Citation(
            "phase of about 4000 rad kept with a step of 4 against 0.05",
            "https://github.com/FluidInference/mobius/issues/58",
        ),
        Citation(
            "harmonicity per half against the reference; an absolute limit missed half",
            "https://github.com/FluidInference/mobius/issues/58",
        ),
    )
    injectors = (
        *audio("s that the float16 phase has run before", (0.0, 1.0, 3.0, 10.0), 0.0, half_precision),
        *audio("rad", (0.5, 1.0, 2.0, 4.0, 6.2), 4.0, lose_phase, "scramble"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        pitch = required_payload(view, "pitch")
        voiced = pitch.get("voiced_seconds")
        if voiced is None:
            raise CannotJudge("voicing is unknown")
        usual = view.reference.evidence.get(self.name) if view.reference is not None else None
        if float(voiced) < GONE and (usual or view.voice.get("voiced_fraction", 0.0) >= USUALLY_VOICED):
            return DetectorValue(-NOT_HARMONIC, None, "nothing is voiced any more, where this voice is")
        if float(voiced) < LEAST_VOICED:
            raise NotApplicable(f"only {float(voiced):.2f} s of voiced speech")
        given = pitch.get("harmonicity_db_halves") or []
        if not any(v is not None for v in given):
            raise CannotJudge("harmonicity is unknown")
        halves = [NOT_HARMONIC if v is None else float(v) for v in given]
        return DetectorValue(
            -min(halves), None, "harmonicity of the halves " + ", ".join(f"{v:.1f} dB" for v in halves)
        )
