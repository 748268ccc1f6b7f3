"""Token loop: the same frames over and over."""

from dataclasses import replace

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.core.records.payloads import Cycle
from harness.detectors._inject import token_injector, tokens_of
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    as_span,
    required_payload,
)

PERIOD = 8  # frames that the injector repeats


def go_round(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Repeat 8 frames of the middle until ``dose`` frames are added."""
    codes = tokens_of(material)
    if len(codes) < 2 * PERIOD:
        raise CannotInject(f"only {len(codes)} frames")
    start = int(rng.integers(0, len(codes) - PERIOD + 1))
    rounds = 1 + int(np.ceil(dose / PERIOD))
    cycle = np.tile(codes[start : start + PERIOD], (rounds, 1))
    return replace(material, tokens=np.concatenate([codes[:start], cycle, codes[start + PERIOD :]]))


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
        Citation(
            "stopping at two identical tokens cut speech early: healthy tokens repeat",
            "https://github.com/jamiepine/voicebox/issues/587",
        ),
    )
    injectors = token_injector("frames", (8.0, 24.0, 80.0, 240.0), 80.0, go_round)

    def measure(self, view: DetectorInput) -> DetectorValue:
        tokens = required_payload(view, "tokens")
        if not tokens.get("codebooks"):
            raise NotApplicable("the backend gives no token values")
        cycle: Cycle = tokens.get("cycle") or {}
        period, repeats = cycle.get("period") or 0, cycle.get("repeats") or 0
        beyond = float(period) * max(float(repeats) - 1.0, 0.0)
        return DetectorValue(beyond, as_span(cycle.get("span")), f"{period} frames, {repeats} times")
