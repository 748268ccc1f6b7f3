"""Clipping: flat tops at full scale."""

from harness.faults.base import BaseFault, Family, Seen, Source, as_span, number, payload
from harness.types import Relation, View

SHORTEST_RUN = 3  # one or two samples at the rail can be a plain peak


class Clipping(BaseFault):
    name = "clipping"
    title = "the waveform is cut off at full scale"
    family = Family.WAVEFORM
    causes = ("too much gain", "samples beyond 1 written as integers")
    observes = ("signal",)
    unit = "share of samples"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 0.001
    default_limit = 0.001
    sources = (Source("runs of 3 or more at the rail; 0.1% of the samples"),)

    def measure(self, view: View) -> Seen:
        signal = payload(view, "signal")
        clipped = number(signal, "clipped_fraction")
        run = number(signal, "clipped_longest_run")
        over = number(signal, "over_one_fraction")
        share = max(clipped if run >= SHORTEST_RUN else 0.0, over)
        span = as_span((signal.get("spans") or {}).get("clipping"))
        return Seen(share, span, f"{share:.3%} of the samples, longest run {run:.0f}")
