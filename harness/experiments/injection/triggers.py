"""When an entry of the plan strikes: conditions on the request, on its seed, and on what the process spoke before."""

from __future__ import annotations

import hashlib

import numpy as np

from harness.core.records import Request
from harness.experiments.injection.actions import InjectionState
from harness.experiments.injection.plan import InjectionRule


def spelled_words(text: str) -> set[str]:
    """Return the words of a text, case folded and without the marks around them."""
    bare = ("".join(letter if letter.isalnum() else " " for letter in word).strip() for word in text.split())
    return {word.casefold() for word in bare if word}


def drawn_numbers(plan_seed: int, index: int, *what: object) -> np.random.Generator:
    """Return the generator of entry ``index`` of the plan, the same whenever ``what`` (text, seed) is the same."""
    key = "\0".join(map(str, (plan_seed, index, *what))).encode("utf-8", "surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:8], "big"))


def rule_strikes(
    rule: InjectionRule, request: Request, state: InjectionState, rng: np.random.Generator, by_seed: np.random.Generator
) -> bool:
    """Return whether every condition of the rule holds for a request; ``state`` counts this request already.

    ``rng`` is drawn from the text and the seed, ``by_seed`` from the seed alone.
    """
    return (
        (rule.chunks is None or request.chunk_id in rule.chunks)
        and (rule.every is None or state.count % rule.every == 0)
        and (rule.first is None or state.count >= rule.first)
        and (rule.words is None or not spelled_words(request.text).isdisjoint(map(str.casefold, rule.words)))
        and (rule.after is None or all(word.casefold() in state.spoken for word in rule.after))
        and (rule.seed_fraction is None or by_seed.random() < rule.seed_fraction)
        and (rule.fraction is None or rng.random() < rule.fraction)
    )
