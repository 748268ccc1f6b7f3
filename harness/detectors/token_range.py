"""Token range: speech tokens that the codec does not have."""

from dataclasses import replace

import numpy as np

from harness.core.records import DetectorInput
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


def out_of_range(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Add the codebook's size to a share of the tokens, at least to one."""
    codes = tokens_of(material)
    if material.layout is None:
        raise CannotInject("the sizes of the codebooks are unknown")
    count = max(1, round(dose * codes.size))
    for flat in rng.choice(codes.size, count, replace=False):
        frame, book = divmod(int(flat), codes.shape[1])
        codes[frame, book] += material.layout.codebook_sizes[book]
    return replace(material, tokens=codes)


class TokenRange(BaseFault):
    name = "token-range"
    title = "speech tokens outside the codec's range"
    family = Family.TOKENS
    causes = ("text or control tokens taken for speech", "wrong offset of a codebook", "a damaged vocabulary")
    observes = ("tokens",)
    unit = "tokens out of range"
    physical_limit = 0.0
    sources = (Citation("gaps and device asserts", "https://github.com/canopyai/Orpheus-TTS/issues/230"),)
    injectors = token_injector("share of tokens", (0.0001, 0.001, 0.01, 0.1), 0.001, out_of_range)

    def measure(self, view: DetectorInput) -> DetectorValue:
        books = required_payload(view, "tokens").get("codebooks") or []
        counts = [count for book in books if (count := book.get("out_of_range")) is not None]
        if not counts or len(counts) < len(books):
            raise NotApplicable("the backend gives no token values, or no codebook sizes")
        worst = [f"codebook {i}: {count} of size {books[i].get('size')}" for i, count in enumerate(counts) if count]
        return DetectorValue(float(sum(counts)), None, "; ".join(worst) or "all within range")
