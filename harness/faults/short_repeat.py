"""Short repeat: a few samples over and over, heard as a buzz."""

import math

from harness.faults.base import BaseFault, Family, NotApplicable, Seen, Source, as_span, payload
from harness.types import Relation, View

SMALLEST = 1e-9


class ShortRepeat(BaseFault):
    name = "short-repeat"
    title = "a few samples repeated over and over: a buzz"
    family = Family.WAVEFORM
    causes = ("an operator that falls back on long inputs (IM2COL disabled)", "a vocoder that stands still")
    observes = ("signal",)
    unit = "-log10 of the residual after one period"
    relation = Relation.EXCESS
    default_margin = 1.5
    default_limit = 4.0  # healthy synthetic voices reach 2.9 at the period of their pitch, exact repeats 6 and more
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
    )
    sources = (
        Source(
            "the 4-sample loop beyond 400 tokens; residual below 1e-3 (healthy .011, whisper .52)",
            "https://github.com/Lourdle/cosyvoice.cpp/issues/4",
        ),
    )

    def measure(self, view: View) -> Seen:
        periodic = payload(view, "signal").get("periodic") or {}
        ratio = periodic.get("ratio")
        if ratio is None:
            raise NotApplicable("no frame is loud enough to look for a repeat in")
        value = -math.log10(max(float(ratio), SMALLEST))
        seconds, period = periodic.get("seconds") or 0.0, periodic.get("period")
        detail = f"period of {period} samples, residual {float(ratio):.1e}, {seconds:.2f} s"
        return Seen(value, as_span(periodic.get("span")), detail)
