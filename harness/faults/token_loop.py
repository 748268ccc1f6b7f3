"""Token loop: the same frames over and over."""

from harness.faults.base import BaseFault, Family, NotApplicable, Seen, Source, as_span, payload
from harness.types import Relation, View


class TokenLoop(BaseFault):
    name = "token-loop"
    title = "the same speech tokens over and over"
    family = Family.TOKENS
    causes = ("greedy decoding", "a repeat penalty over the wrong tokens", "the model lost its place")
    observes = ("tokens",)
    unit = "frames in one exact cycle beyond its first round"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 25.0
    default_limit = 50.0
    explains = ("loop", "overlong")
    sources = (
        Source(
            "stopping at two identical tokens cut speech early: healthy tokens repeat",
            "https://github.com/jamiepine/voicebox/issues/587",
        ),
    )

    def measure(self, view: View) -> Seen:
        tokens = payload(view, "tokens")
        if not tokens.get("codebooks"):
            raise NotApplicable("the backend gives no token values")
        cycle = tokens.get("cycle") or {}
        period, repeats = cycle.get("period") or 0, cycle.get("repeats") or 0
        beyond = float(period) * max(float(repeats) - 1.0, 0.0)
        return Seen(beyond, as_span(cycle.get("span")), f"{period} frames, {repeats} times")
