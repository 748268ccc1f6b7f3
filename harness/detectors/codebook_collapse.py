"""Codebook collapse: a codebook stands on a handful of its codes."""

import math
from dataclasses import replace

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import token_injector, tokens_of
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    required_payload,
)

LEAST_FRAMES = 25


def collapse(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Leave only 64 / ``dose`` codes of the first codebook, at least one."""
    codes = tokens_of(material)
    kept = max(1, round(64 / dose))
    used = np.unique(codes[:, 0])
    codes[:, 0] = used[codes[:, 0] % min(kept, len(used))]
    return replace(material, tokens=codes)


class CodebookCollapse(BaseFault):
    name = "codebook-collapse"
    title = "a codebook stands on a handful of its codes"
    family = Family.TOKENS
    causes = ("too coarse a quantization", "embeddings that loaded as zeros", "a loop of frames")
    observes = ("tokens",)
    unit = "bits missing to a full spread, worst codebook"
    relation = Relation.EXCESS
    default_margin = 2.0
    default_limit = 5.0
    sources = (Citation("5 to 8 codes in use instead of hundreds (Qwen3-Omni Talker in candle, Q8_0)"),)
    injectors = token_injector("times fewer than 64 codes", (1.0, 2.0, 4.0, 8.0, 64.0), 8.0, collapse)

    def measure(self, view: DetectorInput) -> DetectorValue:
        tokens = required_payload(view, "tokens")
        frames = tokens.get("frames") or 0
        books = [
            (size, bits, book.get("unique"))
            for book in tokens.get("codebooks") or []
            if (bits := book.get("entropy_bits")) is not None and (size := book.get("size"))
        ]
        if not books:
            raise NotApplicable("the backend gives no token values")
        if frames < LEAST_FRAMES:
            raise NotApplicable(f"only {frames} frames, {LEAST_FRAMES} are needed")
        missing = [math.log2(min(size, frames)) - bits for size, bits, _ in books]
        worst = max(range(len(missing)), key=missing.__getitem__)
        _, bits, unique = books[worst]
        detail = f"codebook {worst}: {unique} codes, {bits:.1f} bits"
        return DetectorValue(missing[worst], None, detail)
