"""Runaway: generation ended at its token cap instead of at the end of the text."""

from dataclasses import replace

import numpy as np

from harness.core.records import DetectorInput
from harness.detectors._inject import token_injector, tokens_of
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    CannotJudge,
    Citation,
    DetectorValue,
    Family,
    InjectionAction,
    InjectionMaterial,
    NotApplicable,
    required_payload,
)


def run_on(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Go on with frames of the clip, in random order, until ``dose`` of the cap is used."""
    codes = tokens_of(material)
    if material.layout is None or not material.layout.cap:
        raise CannotInject("the token cap is unknown")
    frames = int(dose * material.layout.cap) // codes.shape[1]
    more = codes[rng.integers(0, len(codes), max(frames - len(codes), 0))]
    cut: InjectionAction = {"finish_reason": "length"} if dose >= 1 else {}
    return replace(material, tokens=np.concatenate([codes, more])[:frames], action=cut)


class Runaway(BaseFault):
    name = "runaway"
    title = "cut off at the token cap: the end was never found"
    family = Family.TOKENS
    causes = ("the stop token was missed", "a loop", "a cap that is too low for the text")
    observes = ("tokens",)
    unit = "share of the token cap used"
    physical_limit = 0.9999
    explains = (
        "overlong",
        "gibberish-tail",
        "truncation",
        "inserted-words",
        "lost-audio",
    )
    sources = (
        Citation("the cap of 2,500 tokens was hit exactly (MayaBook, Maya1 GGUF against Hugging Face)"),
        Citation("0.34-0.5% of requests end at the cap", "https://github.com/QwenLM/Qwen3-TTS/issues/118"),
    )
    injectors = token_injector("share of the cap", (0.9, 1.0), 1.0, run_on)

    def measure(self, view: DetectorInput) -> DetectorValue:
        tokens = required_payload(view, "tokens")
        cap, count = tokens.get("cap"), tokens.get("count")
        hit = tokens.get("cap_hit")
        if cap and count is not None:
            share = float(count) / float(cap)
            detail = f"{count} of {cap} tokens"
        elif hit is None:
            raise NotApplicable("the backend tells neither its cap nor why it stopped")
        elif count is None:
            raise CannotJudge("the number of tokens is unknown")
        else:
            share, detail = 0.0, f"{count} tokens, cap unknown"
        if hit:
            share = max(1.0, share)
        finish = tokens.get("finish_reason")
        return DetectorValue(share, None, detail + (f", finish reason {finish}" if finish else ""))
