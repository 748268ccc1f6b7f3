"""Click: a step in the waveform that no voice makes."""

import math

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.core.records.payloads import Clicks, CombFigures, SignalPayload
from harness.detectors._inject import Wave, audio, give, sounding_part, speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    required_payload,
)

FEWEST_SEAMS, SURE_SEAMS, SHOWN_SEAMS = 3, 5, 40
SURE_SHARE = 1 / 3  # of the places where seams are due; at a short period five steps of speech keep time by chance
SURE = 20.0  # beyond the worst single step of any healthy voice; of 5,096 healthy chunks none has sure seams
NEAR = 0.02  # s on either side of a click whose sound may drown it
FAINT_DB = 30.0  # under the speech; sound fainter than this makes no step beside it larger


def step(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Displace a single sample by ``dose`` dBFS, where the sound around it does not drown a click."""
    x, rate = speech(material)
    at = in_the_clear(x, rate, rng)
    x[at] += 10 ** (dose / 20) * (1 if x[at] < 0 else -1)
    return give(material, x, at / rate, (at + 1) / rate)


def in_the_clear(x: Wave, rate: int, rng: np.random.Generator) -> int:
    """Return a random sample of the speech that no hiss is near.

    All of a click is high frequencies; within 20 ms the largest third difference, which weighs these, is no larger than
    in half of the speech. Within a loud s nobody hears one. Raises CannotInject without speech.
    """
    first, last = sounding_part(x, rate)
    width, reach = rate // 100, round(NEAR * 100)
    steps = np.abs(np.diff(x[first:last], n=3))
    largest = steps[: len(steps) // width * width].reshape(-1, width).max(axis=1)
    inside = np.arange(reach, len(largest) - reach)
    if not len(inside):
        raise CannotInject("too little speech for a click inside of it")
    around = np.array([largest[at - reach : at + reach + 1].max() for at in inside])
    clear = inside[around <= np.median(around)]
    return first + (int(rng.choice(clear)) * width) + int(rng.integers(width))


class Click(BaseFault):
    name = "click"
    title = "clicks: steps that no voice makes"
    family = Family.WAVEFORM
    causes = ("seams between decoded windows", "lost samples", "a decoder without its left context")
    observes = ("signal",)
    unit = "times the sound around it"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 3.5  # another reading of the same text by 19 synthetic voices differs by up to 3.3
    least_difference = default_margin  # what readings differ by, chunks of a run do too
    default_limit = 7.0  # recorded speech reaches 6.5 in a tenth of the clips; without a reference only that much tells
    sources = (
        Citation("steps at the seams of chunks", "https://github.com/vllm-project/vllm-omni/issues/4828"),
        Citation("a step of twice the local slew and above -54 dBFS"),
    )
    injectors = audio("dBFS", (-50.0, -40.0, -30.0, -20.0, -6.0), -6.0, step)

    def measure(self, view: DetectorInput) -> DetectorValue:
        clicks: Clicks = required_payload(view, "signal").get("clicks") or {}
        worst = clicks.get("worst_ratio")
        if worst is None:
            raise NotApplicable("no sound to look for steps in")
        ratio = min(worst, _beside_speech(clicks, required_payload(view, "signal")))
        times = clicks.get("times") or []
        span = (times[0], times[0]) if times else None
        detail = f"{clicks.get('count', 0)} steps, the worst {ratio:.1f} times"
        seams = clicks.get("seams")
        hits = _keeping_time(seams)
        value = max(ratio, SURE + hits) if hits else ratio
        return DetectorValue(value, span, f"{detail}{_seams(seams)}")


def _beside_speech(clicks: Clicks, signal: SignalPayload) -> float:
    """Return the worst step over what is 30 dB fainter than the speech, infinite where its level is unknown.

    The onset of a soft sound stands out of the silence before it many times, and nobody hears a click.
    """
    size, speech = clicks.get("worst_dbfs"), signal.get("active_rms_dbfs")
    return math.inf if size is None or speech is None else float(10 ** ((size - speech + FAINT_DB) / 20))


def _keeping_time(seams: CombFigures | None) -> int:
    """Return how many steps keep time; 0 where it may be chance: small as they are, no healthy clip has more."""
    hits = seams["hits"] if seams else 0
    return hits if seams and hits >= max(SURE_SEAMS, SURE_SHARE * len(seams["times"])) else 0


def _seams(seams: CombFigures | None) -> str:
    """All places of seams that keep time."""
    if not seams or seams["hits"] < FEWEST_SEAMS:
        return ""
    places = ", ".join(f"{at:.2f}" for at in seams["times"][:SHOWN_SEAMS])
    return f"; seams every {seams['period']:.3f} s, at {places}"
