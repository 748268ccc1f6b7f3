"""Fit the priors: what healthy voices have in common, from their chunks alone."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.core.records import Relation
from harness.detectors import catalogue
from harness.detectors.base import Detector
from harness.stats import tail_limit
from harness.verdicts.groups import Values
from harness.verdicts.limits import length_of
from harness.verdicts.priors import BUCKETS, UNMEASURED_TAIL, FigureRange, Prior, Priors, bucket_of
from harness.verdicts.robust import robust_line, text_terms
from harness.verdicts.this_run import (
    LEAST_VALUES,
    RunChunk,
    fitted_detectors,
    least_difference,
    margin_of,
    scale_of,
    shared_budget,
)

ODD = 0.001  # of the chunks of all voices: so many are left out of a tail, as no voice is without a slip
LEAST_TAIL = 3.0  # robust deviations; no tail is shorter
UNSURE_TAIL = 4.0  # nor than this, where hardly any chunk differs noticeably and little is known of those to come
ENOUGH = 20  # chunks that differ noticeably
NEXT_VOICE = 1.15  # the tail of a voice that nobody has measured yet may be heavier by so much
A_SLIP = 0.01  # of the chunks of one voice
OUTSIDE = 30.0  # robust deviations; further off is a slip of a healthy voice
LEAST_CHUNKS_A_BUCKET = 30
ROOM = 0.1  # of the whole range: so much further out may the next voice lie


@dataclass(frozen=True)
class _Chunks:
    """One detector in one voice: values, and how far they lie from what was expected, in deviations of that voice."""

    values: Values
    buckets: NDArray[np.int64]
    z: Values  # rest in robust deviations; empty where the voice is too small or always the same
    noticed: NDArray[np.bool_]  # where it differs by so much that a limit could be exceeded at all


def fit_priors(
    voices: Mapping[str, Sequence[RunChunk]], figures: Mapping[str, Mapping[str, float]] | None = None
) -> Priors:
    """Return the priors of every detector that has values in these voices (name -> its healthy chunks).

    ``figures``: name of the voice -> its figures as a whole (``harness.verdicts.whole.figure_values``).
    """
    detectors: dict[str, Prior] = {}
    for name in fitted_detectors():
        healthy = [one for one in (_of_voice(name, chunks) for chunks in voices.values()) if one is not None]
        if healthy:
            detectors[name] = _fit_detector(name, healthy)
    counts = {name: len(chunks) for name, chunks in voices.items()}
    return Priors(detectors, _ranges(list((figures or {}).values())), counts, time.strftime("%Y-%m-%d", time.gmtime()))


def _ranges(figures: Sequence[Mapping[str, float]]) -> dict[str, FigureRange]:
    ranges = {}
    for name in sorted({name for row in figures for name in row}):
        values = [row[name] for row in figures if name in row]
        slack = ROOM * (max(values) - min(values))
        low, high = (float(f"{edge:.4g}") for edge in (min(values) - slack, max(values) + slack))
        ranges[name] = FigureRange(low, high, len(values))
    return ranges


def _of_voice(name: str, chunks: Sequence[RunChunk]) -> _Chunks | None:
    inside = [one for one in chunks if name in one.values]
    if not inside:
        return None
    values = np.array([one.values[name] for one in inside])
    buckets = np.array([bucket_of(length_of(one.chunk)) for one in inside])
    if len(inside) >= LEAST_VALUES:
        terms, everything = text_terms([one.chunk for one in inside]), np.ones(len(inside), bool)
        line = robust_line(values, terms, everything, OUTSIDE, least_difference(catalogue()[name]))
        scale = scale_of(name, line)
        if scale > 0:
            rest = values - line.expected
            return _Chunks(values, buckets, rest / (scale * line.spread), _noticed(catalogue()[name], values, rest))
    return _Chunks(values, buckets, np.zeros(0), np.zeros(0, bool))


def _noticed(fault: Detector, values: Values, rest: Values) -> NDArray[np.bool_]:
    """Say which chunks differ by more than is harmless in any voice: no others can be a false alarm of it."""
    if fault.relation is Relation.DISTANCE:
        return np.abs(rest) > least_difference(fault)
    floor = -math.inf if fault.harmless is None else fault.harmless
    return (rest > least_difference(fault)) & (values > floor)


def _fit_detector(name: str, seen: Sequence[_Chunks]) -> Prior:
    both = catalogue()[name].relation is Relation.DISTANCE
    placed = [one for one in seen if len(one.z)]
    z = np.concatenate([one.z for one in placed]) if placed else np.zeros(0)
    z = np.abs(z) if both else z
    buckets = np.concatenate([one.buckets for one in placed]) if placed else np.zeros(0, int)
    widening = _widening(z, buckets)
    noticed = np.concatenate([one.noticed for one in placed]) if placed else np.zeros(0, bool)
    tail = _tail(z / np.array(widening)[buckets], noticed, shared_budget()) if len(z) else UNMEASURED_TAIL
    low, high = _reach(margin_of(catalogue()[name]), seen)
    medians = [float(np.median(one.values)) for one in seen]
    return Prior(
        chunks=sum(len(one.values) for one in seen),
        voices=len(seen),
        tail=tail,
        widening=widening,
        low=low,
        high=high,
        voices_low=min(medians),
        voices_high=max(medians),
    )


def _widening(z: Values, buckets: NDArray[np.int64]) -> tuple[float, ...]:
    """How much further texts of each length reach than the longest ones do, at least 1 and never less than longer."""
    factors = [1.0] * len(BUCKETS)
    base = _reach_of(z[buckets == len(BUCKETS) - 1])
    for bucket in range(len(BUCKETS) - 2, -1, -1):
        own = _reach_of(z[buckets == bucket])
        factors[bucket] = max(factors[bucket + 1], own / base if own and base else 1.0)
    return tuple(factors)


def _reach_of(z: Values) -> float:
    return float(np.quantile(z, 0.95)) if len(z) >= LEAST_CHUNKS_A_BUCKET else 0.0


def _tail(z: Values, noticed: NDArray[np.bool_], share: float) -> float:
    """Return the deviations beyond which a healthy chunk lies, and differs noticeably, with probability ``share``."""
    kept = np.sort(z[noticed])[: max(int(noticed.sum()) - math.ceil(ODD * len(z)), 0)]
    if len(kept) < ENOUGH:
        return max(NEXT_VOICE * float(kept[-1]), UNSURE_TAIL) if len(kept) else UNSURE_TAIL
    return max(NEXT_VOICE * tail_limit(kept, min(share * len(z) / len(kept), 0.5)), LEAST_TAIL)


def _reach(margin: float, seen: Sequence[_Chunks]) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Return the lowest and the highest value that the chunks of any of the voices stay within, a bucket of lengths."""
    low: list[float | None] = []
    high: list[float | None] = []
    for bucket in range(len(BUCKETS)):
        tops, bottoms = [], []
        for one in seen:
            inside = one.values[one.buckets == bucket]
            if not len(inside):
                continue
            tops.append(float(np.quantile(inside, 1 - A_SLIP)))
            bottoms.append(float(np.quantile(inside, A_SLIP)))
        if not tops:
            high.append(None)
            low.append(None)
            continue
        slack = max(margin, ROOM * (max(tops) - min(bottoms)))
        high.append(max(tops) + slack)
        low.append(min(bottoms) - slack)
    for bucket in range(len(BUCKETS) - 2, -1, -1):  # short texts vary more, whatever few of them have shown
        low[bucket] = min((v for v in low[bucket:] if v is not None), default=None)
        high[bucket] = max((v for v in high[bucket:] if v is not None), default=None)
    return tuple(low), tuple(high)
