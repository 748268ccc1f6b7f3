"""Token order: speech tokens that stand in the wrong place, so that each codebook gets another's codes."""

from dataclasses import replace

import numpy as np

from harness.core.records import DetectorInput, Tokens
from harness.detectors._inject import token_injector, tokens_of
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

LEAST_TOKENS = 20


def _books(codes: Tokens) -> int:
    if codes.shape[1] < 2:
        raise CannotInject("one codebook has no order")
    return int(codes.shape[1])


def leading(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Put ``dose`` tokens too many in front: all that follow move on by as many places."""
    codes = tokens_of(material)
    books = _books(codes)
    shifted = np.concatenate([codes.reshape(-1)[: round(dose)], codes.reshape(-1)])
    return replace(material, tokens=shifted[: codes.size].reshape(-1, books))


def swap(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Give a share of the frames the codes of their neighbouring codebook."""
    codes = tokens_of(material)
    _books(codes)
    rows = rng.random(len(codes)) < dose
    codes[rows] = np.roll(codes[rows], 1, axis=1)
    return replace(material, tokens=codes)


class TokenOrder(BaseFault):
    name = "token-order"
    title = "speech tokens in the wrong order: codebooks get each other's codes"
    family = Family.TOKENS
    causes = (
        "one token too many in front",
        "a wrong offset of a codebook",
        "another layout of the frame than the codec's",
    )
    observes = ("tokens",)
    unit = "share of a codebook's codes that it does not have"
    default_limit = 0.05
    explains = ("token-range", "unintelligible", "lost-audio", "truncation", "skipped-words", "rumble", "noise")
    sources = (
        Citation(
            "an extra leading token turns all into garbage; the index modulo the layout tells",
            "https://github.com/stepfun-ai/Step-Audio-EditX/issues/66",
        ),
        Citation("codebooks of one size hide it: then only the transcript shows it, as unintelligible speech"),
    )
    injectors = (
        *token_injector("tokens too many", (1.0, 2.0), 1.0, leading),
        *token_injector("share of frames", (0.03, 0.1, 0.3, 1.0), 1.0, swap, "swap"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        payload = required_payload(view, "tokens")
        outside = [book.get("out_of_range") for book in payload.get("codebooks") or []]
        counts = [count for count in outside if count is not None]
        if len(counts) < 2:
            raise NotApplicable("no order to look at: fewer than two codebooks of known size")
        frames = int(payload.get("frames") or 0)
        if frames < LEAST_TOKENS:
            raise NotApplicable(f"only {frames} frames, {LEAST_TOKENS} are needed")
        shares = [count / frames for count in counts]
        worst = max(range(len(shares)), key=shares.__getitem__)
        return DetectorValue(shares[worst], None, f"codebook {worst}: {shares[worst]:.1%} of the frames")
