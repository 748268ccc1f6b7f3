"""Dropouts: holes in the speech that come at a regular distance."""

import numpy as np
from numpy.typing import NDArray

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import Wave, audio, give, sounding, speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    known,
    required_payload,
)

WIDTH, FADE = 0.02, 0.003  # s
FEWEST = 5  # holes in speech; fewer keep time by chance
SPEECH_DB = 15.0  # under the speech; in what is fainter nobody hears 20 ms missing
SURE_SHARE = 1 / 4  # of the places where holes are due; gaps of speech that keep time by chance are at fewer


def drop(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Mute 20 ms ``dose`` times a second, with fades of 3 ms, so that no edge is a click. Five must lie in speech."""
    x, rate = speech(material)
    apart = 1 / dose
    fade, width = int(FADE * rate), int(WIDTH * rate)
    shape = np.concatenate([np.linspace(1, 0, fade), np.zeros(width - 2 * fade), np.linspace(0, 1, fade)])
    first = rng.random() * apart
    starts = np.arange(first, len(x) / rate - WIDTH, apart)
    if _in_speech(x, rate, starts) < FEWEST:
        raise CannotInject(f"no room for {FEWEST} holes {apart:g} s apart in the speech")
    for start in starts:
        at = int(start * rate)
        x[at : at + width] *= shape[: len(x[at : at + width])]
    return give(material, x, first, len(x) / rate)


def _in_speech(x: Wave, rate: int, starts: NDArray[np.float64]) -> int:
    """Return how many holes have speech on both sides; a hole in a pause is none."""
    frames = sounding(x, rate, SPEECH_DB)
    before = np.minimum((starts * 50).astype(int), len(frames) - 1) - 1
    after = np.minimum(before + 3, len(frames) - 1)
    return int((frames[np.maximum(before, 0)] & frames[after]).sum())


class Dropouts(BaseFault):
    name = "dropouts"
    title = "holes in the speech at a regular distance"
    family = Family.WAVEFORM
    causes = ("packets lost on the way", "a buffer that runs dry", "windows joined with padding between them")
    observes = ("signal",)
    unit = "holes that keep time"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 3.5
    default_limit = 3.5  # hardly a clip of 17 voices and recordings has more than 3
    harmless = 5.0  # so many gaps between words keep time by chance
    sources = (
        Citation("audio dropped between pieces of a stream", "https://github.com/sgl-project/sglang-omni/issues/1355"),
    )
    injectors = audio("holes a second", (1.0, 2.0, 4.0), 4.0, drop)

    def measure(self, view: DetectorInput) -> DetectorValue:
        holes = required_payload(view, "signal").get("holes")
        if holes is None:
            raise NotApplicable("holes were not measured in this run")
        count = known(holes.get("count"), "the number of holes")
        comb = holes.get("regular")
        if not comb:
            return DetectorValue(0.0, None, f"{count:.0f} short holes, none at a regular distance")
        times = comb["times"]
        where = ", ".join(f"{at:.2f}" for at in times[:12]) + (", ..." if len(times) > 12 else "")
        detail = f"{comb['hits']} holes every {comb['period']:.3f} s, at {where}"
        hits = float(comb["hits"])
        value = hits if hits >= SURE_SHARE * len(times) else min(hits, self.harmless)
        return DetectorValue(value, (times[0], times[-1]), detail)
