"""Internal silence: dead air inside the speech."""

from collections.abc import Sequence

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.core.records.payloads import LongestPause
from harness.detectors._figures import inner_pauses, wanted_pauses
from harness.detectors._inject import audio, crossfade, give, place, sounding_part, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    as_span,
    required_payload,
)


def dead_air(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Insert ``dose`` seconds of digital silence between the first and the last sound."""
    x, rate = speech(material)
    first, last = sounding_part(x, rate)
    at = first + place(x[first:last], rate, 0.1, rng)
    return give(material, crossfade([x[:at], np.zeros(int(dose * rate)), x[at:]], rate), at / rate, at / rate + dose)


class InternalSilence(BaseFault):
    name = "internal-silence"
    title = "dead air inside the speech"
    family = Family.WAVEFORM
    causes = ("chunks joined with padding", "silent tokens repeated", "lost audio")
    observes = ("signal",)
    unit = "s, longest inner pause"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 1.0
    default_limit = 2.0
    harmless = 1.5  # s; a slow reader pauses so long between sentences
    explains = ("overlong",)
    sources = (
        Citation(
            "gap above 2 s and 2.5 times the clip's median; 1.04 s can be natural",
            "https://github.com/jamiepine/voicebox/issues/964",
        ),
    )
    injectors = audio("s", (0.3, 0.7, 1.5, 3.0, 10.0), 3.0, dead_air)

    def measure(self, view: DetectorInput) -> DetectorValue:
        wanted = wanted_pauses(view)
        if wanted:
            return _beyond_wanted(inner_pauses(view), wanted)
        pause: LongestPause = required_payload(view, "signal").get("longest_pause") or {}
        seconds = float(pause.get("seconds") or 0.0)  # no inner gap of 0.15 s at all is a pause of nothing
        return DetectorValue(seconds, as_span(pause.get("span")), f"silent for {seconds:.2f} s")


def _beyond_wanted(gaps: Sequence[tuple[float, float]], wanted: Sequence[float]) -> DetectorValue:
    """Return the longest silence beyond what the text asks for; the longest gaps are taken for the longest pauses
    asked.
    """
    granted = [*wanted, *[0.0] * len(gaps)]
    beyond = [
        (max(end - start - pause, 0.0), (start, end), pause) for (start, end), pause in zip(gaps, granted, strict=False)
    ]
    if not beyond:
        return DetectorValue(0.0, None, f"no pause, the text asks for {len(wanted)}")
    seconds, span, pause = max(beyond)
    asked = f", {pause:.2f} s of it asked for by the text" if pause else ""
    return DetectorValue(seconds, span, f"silent for {span[1] - span[0]:.2f} s{asked}")
