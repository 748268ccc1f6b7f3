"""The figures of a teacher-forced divergence: by codebook slot, by position, with intervals over chunks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness import stats
from harness.experiments.divergence.steps import Steps

_FIRST_BIN = 32  # tokens; every further bin of positions ends twice as far


@dataclass(frozen=True, slots=True)
class Slot:
    """A range of token ids that play one part. ``speech``: a codebook, as against markers and the end of speech."""

    name: str
    first: int
    count: int
    speech: bool = True


@dataclass(frozen=True, slots=True)
class DivergenceEstimate:
    """A figure with its 95% interval over chunks; None where one chunk alone gives none."""

    value: float
    low: float | None
    high: float | None

    def shown(self, form: str) -> str:
        """Return the figure, and its interval where there is one, each number in ``form``."""
        within = "" if self.high is None else f" ({self.low:{form}} to {self.high:{form}})"
        return f"{self.value:{form}}{within}"


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a set of steps. Divergences in nats; shares in [0, 1]; perplexities of the spoken tokens, at least 1."""

    steps: int
    chunks: int
    divergence: DivergenceEstimate  # mean KL(reference || variant)
    divergence_median: float
    divergence_p95: float
    divergence_p99: float
    divergence_max: float
    agreement: DivergenceEstimate  # share of steps at which both find the same token most probable
    perplexity: float
    perplexity_reference: float
    perplexity_ratio: DivergenceEstimate
    expected: float  # share of steps at which the variant finds the spoken token most probable


@dataclass(frozen=True, slots=True)
class Divergence:
    """One variant against the reference. ``speech`` holds the steps of all codebooks, ``positions`` cuts them."""

    speech: Figures
    slots: dict[str, Figures]  # by name, in the order given; those that never occur are left out
    positions: dict[str, Figures]  # "0-31": the first 32 tokens of each generation
    chunks: int
    generations: int


def summarise_divergence(steps: Steps, slots: Sequence[Slot], generations: int, *, seed: int) -> Divergence:
    """Return all figures. Raises ValueError when no step lies in a speech slot."""
    inside = {slot: (steps.token >= slot.first) & (steps.token < slot.first + slot.count) for slot in slots}
    speech = steps.where(_any((mask for slot, mask in inside.items() if slot.speech), len(steps)))
    if not len(speech):
        raise ValueError("none of the tokens is a speech token by the slots given")
    by_slot = {
        slot.name: divergence_metrics(steps.where(mask), seed=seed) for slot, mask in inside.items() if mask.any()
    }
    places = {
        f"{low}-{high - 1}": divergence_metrics(speech.where(mask), seed=seed)
        for low, high in _bins(int(speech.position.max()))
        if (mask := (speech.position >= low) & (speech.position < high)).any()
    }
    return Divergence(divergence_metrics(speech, seed=seed), by_slot, places, len(np.unique(steps.group)), generations)


def divergence_metrics(steps: Steps, *, seed: int) -> Figures:
    """Return the figures of these steps, of which there is at least one."""
    middle, p95, p99 = (float(value) for value in np.percentile(steps.divergence, [50, 95, 99]))
    ratio = _estimate(steps, steps.surprise - steps.surprise0, seed)
    return Figures(
        steps=len(steps),
        chunks=len(np.unique(steps.group)),
        divergence=_estimate(steps, steps.divergence, seed, least=0.0),
        divergence_median=middle,
        divergence_p95=p95,
        divergence_p99=p99,
        divergence_max=float(steps.divergence.max()),
        agreement=_estimate(steps, steps.agree.astype(np.float64), seed, least=0.0, most=1.0),
        perplexity=math.exp(float(steps.surprise.mean())),
        perplexity_reference=math.exp(float(steps.surprise0.mean())),
        perplexity_ratio=DivergenceEstimate(math.exp(ratio.value), *(_exp(bound) for bound in (ratio.low, ratio.high))),
        expected=float(steps.expected.mean()),
    )


def _estimate(
    steps: Steps, values: NDArray[np.float64], seed: int, least: float = -math.inf, most: float = math.inf
) -> DivergenceEstimate:
    """Mean over steps; the interval resamples chunks, for the steps of one chunk are not independent."""
    _, groups = np.unique(steps.group, return_inverse=True)
    counts = np.bincount(groups).astype(np.float64)
    sums = np.bincount(groups, weights=values)
    estimate = stats.ratio_difference(sums, counts, np.zeros_like(counts), counts, seed=seed)
    low, high = (min(max(bound, least), most) for bound in estimate.interval)
    certain = counts.size > 1 and math.isfinite(estimate.interval[1])
    return DivergenceEstimate(float(values.mean()), low if certain else None, high if certain else None)


def _exp(value: float | None) -> float | None:
    return None if value is None else math.exp(value)


def _any(masks: Iterable[NDArray[np.bool_]], length: int) -> NDArray[np.bool_]:
    within = np.zeros(length, bool)
    for mask in masks:
        within |= mask
    return within


def _bins(last: int) -> list[tuple[int, int]]:
    edges = [0, _FIRST_BIN]
    while edges[-1] <= last:
        edges.append(edges[-1] * 2)
    return list(itertools.pairwise(edges))
