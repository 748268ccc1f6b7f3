"""What a divergence says: of one variant against a margin, and whether it foretells what is heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from harness.core.records import Claim, Json
from harness.experiments.divergence import Divergence, Figures
from harness.experiments.quantization.metrics import QuantizationMetrics
from harness.stats import at_most

ALPHA = 0.05
_PERMUTATIONS = 9999  # more than the pairings of 7 variants: up to those the p-value is exact
_LEAST = 3
OUTCOMES: Mapping[str, str] = {"wer": "WER", "faulty": "the fault rate"}


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation with a two-sided permutation p-value, exact for up to 7 pairs."""

    rho: float
    p_value: float
    count: int


def rank_correlation(x: Sequence[float], y: Sequence[float], *, seed: int) -> Correlation | None:
    """Return None for fewer than 3 pairs, or where one side is the same everywhere: it has no ranks."""
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} values are no pairs")
    if len(x) < _LEAST or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    from scipy.stats import permutation_test, spearmanr

    def statistic(values: object) -> float:
        return float(spearmanr(values, y).statistic)

    test = permutation_test(
        (np.asarray(x, np.float64),),
        statistic,
        permutation_type="pairings",
        n_resamples=_PERMUTATIONS,
        vectorized=False,
        rng=np.random.default_rng(seed),
    )
    return Correlation(float(test.statistic), min(1.0, float(test.pvalue)), len(x))


def divergence_claim(variant: str, seen: Divergence, margin: float) -> Claim:
    """Return the claim that a variant's divergence lies within the margin; it holds when the whole interval does."""
    speech, mean = seen.speech, seen.speech.divergence
    within = mean.shown(".3g").removeprefix(f"{mean.value:.3g}")
    statement = (
        f"the next speech token's distribution lies {mean.value:.3g} nats from the reference's on average"
        f"{within} (p95 {speech.divergence_p95:.3g}, p99 {speech.divergence_p99:.3g}), the most "
        f"probable token is the same at {speech.agreement.value:.1%} of steps, perplexity {speech.perplexity:.3f} "
        f"against {speech.perplexity_reference:.3f}; {speech.steps} tokens of {seen.chunks} chunks"
    )
    interval = None if mean.high is None or mean.low is None else (mean.low, mean.high)
    passed = None if interval is None else at_most(interval, margin)
    if passed is None:
        statement = f"too small to say against a margin of {margin:g} nats: {statement}"
    details: Json = {"curve": _curve(seen.positions), "slots": _plain(seen.slots), "positions": _plain(seen.positions)}
    return Claim("divergence", variant, statement, passed, mean.value, interval, margin, seen.chunks, details)


def not_measured(variant: str, why: str, margin: float) -> Claim:
    """Return the claim of a variant whose divergence is not known."""
    return Claim("divergence", variant, f"not judged: {why}", None, margin=margin, count=0)


def foretelling(reference: str, found: Mapping[str, QuantizationMetrics], *, seed: int) -> list[Claim]:
    """Return whether the mean divergence ranks the variants as what was heard of them does; informs only.

    ``found``: figures of each variant (not of the reference) with ``divergence`` where it was measured.
    """
    return [_foretells(reference, found, key, name, seed) for key, name in OUTCOMES.items()]


def _foretells(reference: str, found: Mapping[str, QuantizationMetrics], key: str, name: str, seed: int) -> Claim:
    rows = {
        variant: (row.divergence.speech.divergence.value, heard)
        for variant, row in found.items()
        if row.divergence is not None and (heard := row.wer.rate if key == "wer" else row.faulty.value) is not None
    }
    claim = f"foretells-{key}"
    x, y = [pair[0] for pair in rows.values()], [pair[1] for pair in rows.values()]
    estimate = rank_correlation(x, y, seed=seed)
    if estimate is None:
        why = f"{name} is the same for all {len(rows)}" if len(rows) >= _LEAST else f"only {len(rows)} have both"
        return Claim(claim, reference, f"cannot tell whether divergence foretells {name}: {why}", None, count=len(rows))
    does = estimate.p_value <= ALPHA
    statement = (
        f"mean divergence and {name} of {estimate.count} variants: Spearman {estimate.rho:+.2f} (two-sided p "
        f"{estimate.p_value:.2g}, n = {estimate.count}); {_meaning(estimate, does, name)}"
    )
    order = sorted(rows.values())
    curve = {
        "x": [a for a, _ in order],
        "y": [b for _, b in order],
        "x_label": "mean divergence, nats",
        "y_label": name,
    }
    return Claim(
        claim,
        reference,
        statement,
        None,
        estimate.rho,
        None,
        None,
        estimate.count,
        {"p": estimate.p_value, "curve": curve},
    )


def _meaning(seen: Correlation, does: bool, name: str) -> str:
    if not does:
        return f"that is too little to say that it foretells {name}"
    return f"it foretells {name}" if seen.rho > 0 else f"it foretells {name} the wrong way round"


def _curve(positions: Mapping[str, Figures]) -> Json:
    rows = list(positions.values())
    curve: Json = {
        "x": [int(name.split("-")[0]) for name in positions],
        "y": [row.divergence.value for row in rows],
        "x_label": "token of its generation, from",
        "y_label": "mean divergence, nats",
    }
    if all(row.divergence.high is not None for row in rows):
        curve |= {"low": [row.divergence.low for row in rows], "high": [row.divergence.high for row in rows]}
    return curve


def _plain(parts: Mapping[str, Figures]) -> Json:
    return {name: asdict(figures) for name, figures in parts.items()}
