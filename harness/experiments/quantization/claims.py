"""One variant against the reference, chunk by chunk under the same seeds, with the reference's own spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness import stats
from harness.core.records import Claim
from harness.experiments.quantization.metrics import QuantizationMetrics
from harness.stats import Estimate, Proportion


@dataclass(frozen=True, slots=True)
class QuantizationMargins:
    """Margins of the claims and how many chunks the costly figures take, from ``[quantization]`` of the limits file."""

    token_ratio_max: float = 0.05
    excess_max: float = 0.05
    wer_max: float = 0.05
    similarity_max: float = 0.03
    mos_max: float = 0.1
    mel_chunks: int = 25
    divergence_max: float = 0.05
    divergence_chunks: int = 25


def quantization_claims(
    name: str, seen: QuantizationMetrics, null: QuantizationMetrics, margins: QuantizationMargins
) -> list[Claim]:
    """Return what the figures support, with the reference against itself under other seeds as the yardstick."""
    return [
        _token_count(name, seen, null, margins.token_ratio_max),
        _excess("near-empty", name, seen.near_empty, null.near_empty, margins.excess_max),
        _excess("cap-hits", name, seen.cap_hits, null.cap_hits, margins.excess_max),
        _excess("faults", name, seen.faulty, null.faulty, margins.excess_max),
        _words(name, seen.wer_difference, null.wer_difference, margins.wer_max),
        _voice(name, seen, null, margins.similarity_max),
        _mos(name, seen.mos_difference, null.mos_difference, margins.mos_max),
    ]


def _held(
    name: str, variant: str, statement: str, interval: tuple[float, float], value: float, margin: float, n: int
) -> Claim:
    """Make a claim that passes when the whole interval is within the margin and fails when all of it is beyond."""
    passed = stats.at_most(interval, margin)
    if passed is None:
        statement = f"too small to say against a margin of {margin:g}: {statement}"
    return Claim(name, variant, statement, passed, value, interval, margin, n)


def _none(name: str, variant: str, what: str) -> Claim:
    return Claim(name, variant, f"{what} is not known of enough chunks", None, count=0)


def _token_count(variant: str, seen: QuantizationMetrics, null: QuantizationMetrics, margin: float) -> Claim:
    average, lengths, other = seen.mean_log_ratio, seen.token_ratio, null.token_ratio
    if average is None or lengths is None:
        return _none("token-count", variant, "the token count against the reference's")
    ratio, low, high = (math.exp(value) for value in (average.value, average.low, average.high))
    statement = f"token count is {ratio:.3f} of the reference's on average ({low:.3f} to {high:.3f})"
    statement += f", single chunks {lengths.min:.2f} to {lengths.max:.2f}, n = {lengths.n}"
    if other is not None and null.mean_log_ratio is not None:
        statement += f"; other seeds of the reference: {math.exp(null.mean_log_ratio.value):.3f} on average"
        statement += f", {other.min:.2f} to {other.max:.2f}"
    answer = stats.equivalence(average.interval, math.log1p(margin))
    passed = {stats.Decision.EQUIVALENT: True, stats.Decision.DIFFERENT: False}.get(answer)
    if passed is None:
        statement = f"too small to say against a margin of {margin:.0%}: {statement}"
    return Claim("token-count", variant, statement, passed, ratio, (low, high), margin, lengths.n)


def _excess(claim: str, variant: str, seen: Proportion, null: Proportion, margin: float) -> Claim:
    what = claim.replace("-", " ")
    if seen.value is None or not null.total:
        return _none(claim, variant, what)
    interval = stats.rate_difference(seen.count, seen.total, null.count, null.total)
    statement = f"{what}: {seen.count} of {seen.total} ({seen.low:.1%} to {seen.high:.1%})"
    statement += f"; the reference with other seeds: {null.count} of {null.total}"
    return _held(claim, variant, statement, interval, seen.value, margin, seen.total)


def _words(variant: str, seen: Estimate | None, null: Estimate | None, margin: float) -> Claim:
    if seen is None:
        return _none("wer", variant, "the word error rate")
    statement = f"WER differs by {seen.shown('+.3f')}, n = {seen.n}{_by_chance(null)}"
    return _held("wer", variant, statement, seen.interval, seen.value, margin, seen.n)


def _voice(variant: str, seen: QuantizationMetrics, null: QuantizationMetrics, margin: float) -> Claim:
    loss, here, chance = seen.similarity_loss, seen.similarity, null.similarity
    if loss is None or here is None or chance is None:
        return _none("same-voice", variant, "speaker similarity")
    statement = f"speaker similarity to the reference's own speech is {here.mean:.3f} on average, {chance.mean:.3f} "
    statement += f"between the reference's own seeds: a loss of {loss.shown('+.3f')}, n = {loss.n}"
    return _held("same-voice", variant, statement, loss.interval, loss.value, margin, loss.n)


def _mos(variant: str, seen: Estimate | None, null: Estimate | None, margin: float) -> Claim:
    if seen is None:
        statement = "not judged: no predicted MOS of enough chunks; it takes --mos"
        return Claim("mos", variant, statement, None, margin=margin, count=0)
    statement = f"the predicted MOS differs by {seen.shown('+.3f')}, n = {seen.n}{_by_chance(null)}"
    return _held("mos", variant, statement, (-seen.high, -seen.low), -seen.value, margin, seen.n)


def _by_chance(null: Estimate | None) -> str:
    return "" if null is None else f"; between the reference's own seeds {null.shown('+.3f')}"
