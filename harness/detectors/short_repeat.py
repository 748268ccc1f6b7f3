"""Short repeat: a few samples over and over, heard as a buzz."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.core.records.payloads import Periodic
from harness.detectors._inject import audio, give, loudest, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    as_span,
    required_payload,
)

SMALLEST = 1e-9
HIGHEST_PITCH = 500.0  # Hz; a longer period may be that of a voice
HELD_VOWEL = 0.25  # s; a vowel of one period over and over is shorter
SPOKEN = 2.0  # the most that such a vowel can show
PERIOD = 4  # samples that the injector repeats
LOUD = 0.004  # s over which the loudest place is looked for


def stand_still(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Repeat 4 loud samples for ``dose`` seconds, over the loudest stretch of that length."""
    return _repeated(material, PERIOD, dose)


def period(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Repeat ``dose`` loud samples for 0.5 s, over the loudest stretch of that length."""
    return _repeated(material, round(dose), 0.5)


def _repeated(material: InjectionMaterial, count: int, seconds: float) -> InjectionMaterial:
    x, rate = speech(material)
    width, start = int(seconds * rate), loudest(x, rate, seconds)
    stretch = x[start : start + width]
    inner = loudest(stretch, rate, max(count / rate, LOUD))
    x[start : start + width] = np.resize(stretch[inner : inner + count].copy(), width)
    return give(material, x, start / rate, (start + width) / rate)


class ShortRepeat(BaseFault):
    name = "short-repeat"
    title = "a few samples repeated over and over: a buzz"
    family = Family.WAVEFORM
    causes = ("an operator that falls back on long inputs (IM2COL disabled)", "a vocoder that stands still")
    observes = ("signal",)
    unit = "-log10 of the residual after one period"
    relation = Relation.EXCESS
    default_margin = 1.5
    default_limit = 4.5  # slow formant synthesis reaches 3.8 at the period of its pitch, exact repeats 6 and more
    harmless = 3.8  # diphones and formant synthesis come as near to a repeat at the period of their pitch
    explains = (
        "noise",
        "unintelligible",
        "truncation",
        "skipped-words",
        "inserted-words",
        "gibberish-tail",
        "robotic",
        "bandwidth",
        "sample-rate",
        "wrong-speaker",
        "level-offset",
        "constant-dc",
        "click",
        "loop",
        "rumble",
    )
    sources = (
        Citation(
            "the 4-sample loop beyond 400 tokens; residual below 1e-3 (healthy .011, whisper .52)",
            "https://github.com/Lourdle/cosyvoice.cpp/issues/4",
        ),
    )
    injectors = (
        *audio("s", (0.03, 0.1, 0.3, 1.0, 3.0), 1.0, stand_still),
        *audio("samples", (2.0, 4.0, 16.0, 64.0, 256.0, 512.0), 4.0, period, "period"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        periodic: Periodic = required_payload(view, "signal").get("periodic") or {}
        ratio = periodic.get("ratio")
        if ratio is None:
            raise NotApplicable("no frame is loud enough to look for a repeat in")
        value = -math.log10(max(float(ratio), SMALLEST))
        seconds, period = periodic.get("seconds") or 0.0, periodic.get("period")
        rate = required_payload(view, "signal").get("sample_rate") or 0
        if period and period > rate / HIGHEST_PITCH and seconds < HELD_VOWEL:
            value = min(value, SPOKEN)  # diphone voices hold a vowel by repeating one period of it
        detail = f"period of {period} samples, residual {float(ratio):.1e}, {seconds:.2f} s"
        return DetectorValue(value, as_span(periodic.get("span")), detail)
