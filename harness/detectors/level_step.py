"""Level step: the speech becomes much louder or quieter at one moment."""

import numpy as np
from numpy.typing import NDArray

from harness.core.records import DetectorInput, Relation
from harness.core.records.payloads import SteepestLevelStep
from harness.detectors._inject import Wave, audio, give, sounding, speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    known,
    required_payload,
)

SIDE = 2.0  # s that must lie on either side of the step
NEAR, SPEECH = 1.5, 1.0  # s next to the step on either side, and of speech among them
SPEECH_DB = 30.0  # under the speech; what is fainter is a pause


def turn_down(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Make everything ``dose`` dB quieter from a moment in the middle on, with speech on either side of it."""
    x, rate = speech(material)
    if len(x) / rate < 2 * SIDE:
        raise CannotInject(f"a step needs {2 * SIDE:.0f} s of audio")
    places = _amid_speech(x, rate)
    if not len(places):
        raise CannotInject(f"no moment with {SPEECH:g} s of speech in the {NEAR:g} s before and after it")
    at = int(rng.choice(places))
    x[at:] *= 10 ** (-dose / 20)
    return give(material, x, at / rate, len(x) / rate)


def _amid_speech(x: Wave, rate: int) -> NDArray[np.int64]:
    """Return the samples, 20 ms apart, with enough speech before and after them to hear a step."""
    width = rate // 50
    counts = np.concatenate([[0], np.cumsum(sounding(x, rate, SPEECH_DB))])
    near, edge = round(NEAR * 50), round(SIDE * 50)
    at = np.arange(edge, len(counts) - edge)
    enough = np.minimum(counts[at] - counts[at - near], counts[at + near] - counts[at]) >= SPEECH * 50
    return np.asarray(at[enough] * width)


class LevelStep(BaseFault):
    name = "level-step"
    title = "from one moment on much louder or quieter"
    family = Family.WAVEFORM
    causes = (
        "pieces joined that were levelled apart",
        "another voice or prompt at a line break",
        "a cache that ran over",
    )
    observes = ("signal",)
    unit = "dB, speech 1.5 s after against 1.5 s before"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 6.0
    default_limit = 12.0  # read speech reaches 10
    harmless = 10.0  # by the proposal below
    sources = (Citation("a proposal: the level of read speech changes by at most 10 dB from one 1.5 s to the next"),)
    injectors = audio("dB", (3.0, 6.0, 12.0, 20.0, 30.0), 20.0, turn_down)

    def measure(self, view: DetectorInput) -> DetectorValue:
        step: SteepestLevelStep = required_payload(view, "signal").get("level_step_db") or {}
        value = known(step.get("value"), "the level step")
        time = known(step.get("time"), "time")
        return DetectorValue(abs(value), (time, time), f"{value:+.1f} dB at {time:.2f} s")
