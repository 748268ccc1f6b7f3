"""The run as its own reference: what each chunk is expected to be like, given the run's other chunks and its text."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness.core.records import Chunk, Relation
from harness.detectors import catalogue
from harness.detectors.base import Detector, Family
from harness.verdicts.groups import Mask, TwoGroups, Values, two_groups
from harness.verdicts.lengths import Buckets, widening_by_length
from harness.verdicts.limits import BUDGET, length_of
from harness.verdicts.priors import Priors, bucket_of
from harness.verdicts.robust import RobustLine, beside_main_voice, robust_line, text_terms

LEAST_FENCE = 5.0  # robust deviations; nothing nearer is kept from teaching what is healthy
MOST_AGREE = 0.5  # of the chunks must be healthy by a line, for it to say anything
LEAST_CHUNKS = 40  # for the run to be a reference of its own
LEAST_VALUES = 30  # of them with a value of a detector: some texts are too short for some detectors
MOST_FAULTY = 0.25  # of the chunks; beyond it nobody can tell which side is the healthy one
FLOOR = 0.5  # of a class's margin against a reference: what differs by less is no fault, unless the class says better
LEAST_SCALE = 0.1  # of the same: that a voice never varies is no reason to call a trifle a fault
CEILING = 1.5  # of the same, for words and lengths: a voice that varies more than this is at fault itself
OF_THE_FEW = 1.5  # where most chunks are the same: how much further than 95% of them one may lie
FURTHEST = 2.0  # of the same, for all else: nobody takes twice what is a fault for the nature of a voice
CAPPED = (Family.TRANSCRIPT, Family.TIMING)


@dataclass(frozen=True, slots=True)
class RunChunk:
    """One chunk of a run, as the fit sees it: detector -> value, without those that could not look."""

    attempt: int
    chunk: Chunk
    values: Mapping[str, float]
    voice: int | None = None  # of the run's several ones


@dataclass(frozen=True, slots=True)
class OwnBound:
    """What the run's other chunks allow one chunk: at most ``limit`` away from ``expected``."""

    expected: float
    limit: float
    others: int  # healthy chunks that it was fitted on
    low: float  # 5% and 95% of them
    high: float
    doubt: str = ""  # why nobody can say that a chunk of this group of the run is healthy, where that is so

    def compared(self, value: float, relation: Relation) -> float:
        """Return how far ``value`` lies beyond what was expected; for a distance, either way."""
        rest = value - self.expected
        return abs(rest) if relation is Relation.DISTANCE else rest

    @property
    def source(self) -> str:
        """Return where the limit came from, in words."""
        return f"this run: {self.others} other chunks of it, given the text"


@dataclass(frozen=True)
class ThisRun:
    """A run's own limits. ``beyond``: the chunks outside of them; ``groups``: two large ones; each by detector."""

    bounds: Mapping[int, Mapping[str, OwnBound]] = field(default_factory=dict)  # attempt -> detector -> bound
    beyond: Mapping[str, frozenset[int]] = field(default_factory=dict)
    chunks: int = 0
    groups: Mapping[str, TwoGroups] = field(default_factory=dict)

    def of(self, attempt: int | None) -> Mapping[str, OwnBound]:
        """Return what one attempt is held against, empty where the run is too small to say."""
        return self.bounds.get(attempt, {}) if attempt is not None else {}

    @property
    def faulty(self) -> frozenset[int]:
        """Return the attempts that lie outside of what the others allow, by any detector."""
        return frozenset().union(*self.beyond.values())

    @property
    def can_tell(self) -> bool:
        """Return whether so many chunks agree that the others can be called faulty."""
        return not self.groups and len(self.faulty) <= MOST_FAULTY * max(self.chunks, 1)


def shared_budget(budget: float = BUDGET) -> float:
    """Return the false alarms a chunk that each detector may spend."""
    return budget / max(len(fitted_detectors()), 1)


def fitted_detectors() -> tuple[str, ...]:
    """Return names of the detectors whose limits come from healthy speech and share the budget of false alarms."""
    return tuple(
        name
        for name, fault in catalogue().items()
        if fault.family is not Family.PROCESS
        and not fault.judged_by
        and (fault.default_margin is not None or fault.default_limit is not None)
    )


def scale_of(name: str, line: RobustLine) -> float:
    """Return the standard deviation of a detector's healthy values: the run's own, and a share of what anybody minds.

    0 where more than half of the values are the same, so that they have no distribution.
    """
    fault = catalogue()[name]
    own = line.around if fault.relation is Relation.DISTANCE else line.above
    return math.hypot(own, LEAST_SCALE * margin_of(fault)) if own > 0 else 0.0


def margin_of(fault: Detector) -> float:
    """Return the difference to a reference that a class calls a fault, where nothing was fitted."""
    return abs(fault.default_margin if fault.default_margin is not None else fault.default_limit or 0.0)


def least_difference(fault: Detector) -> float:
    """Return the difference from the run's other chunks below which nothing is a fault."""
    return fault.least_difference if fault.least_difference is not None else FLOOR * margin_of(fault)


def fit_run(chunks: Sequence[RunChunk], priors: Priors) -> ThisRun:
    """Fit every detector's healthy distribution on the run, twice: what the first pass finds does not teach the second.

    A detector with fewer than 30 values gets no bound; the prior decides there.
    """
    if len(chunks) < LEAST_CHUNKS:
        return ThisRun(chunks=len(chunks))
    run = _RunTexts.of(chunks)
    first = _fit_all(run, priors, frozenset())
    apart = first.faulty if first.can_tell else frozenset()
    return _fit_all(run, priors, apart) if apart else first


@dataclass(frozen=True)
class _RunTexts:
    """What both passes need of a run's chunks: their texts' terms and lengths, and each detector's values."""

    chunks: Sequence[RunChunk]
    terms: Values  # shape (chunks, terms)
    buckets: Buckets
    values: Mapping[str, Values]  # NaN where a detector could not look

    @classmethod
    def of(cls, chunks: Sequence[RunChunk]) -> _RunTexts:
        return cls(
            chunks,
            text_terms([one.chunk for one in chunks]),
            np.array([bucket_of(length_of(one.chunk)) for one in chunks]),
            {name: np.array([one.values.get(name, math.nan) for one in chunks]) for name in fitted_detectors()},
        )


def _fit_all(run: _RunTexts, priors: Priors, apart: Collection[int]) -> ThisRun:
    chunks = run.chunks
    usable = np.array([one.attempt not in apart for one in chunks])
    bounds: dict[int, dict[str, OwnBound]] = {one.attempt: {} for one in chunks}
    beyond: dict[str, frozenset[int]] = {}
    groups: dict[str, TwoGroups] = {}
    for name, values in run.values.items():
        inside = np.isfinite(values)
        if (inside & usable).sum() < LEAST_VALUES:
            continue
        line, voices = _line(name, run, usable, priors)
        if line.above == 0 or line.healthy.sum() < MOST_AGREE * (inside & ~line.apart).sum():
            fitted = _mostly_same(name, values[inside & usable], chunks, run.buckets, priors)
        else:
            fitted = _bounds(name, chunks, values, run.buckets, line, priors)
            beyond[name] = _beyond(name, chunks, values, fitted)
            for apart, least in ((voices, 0.0), (line.apart, math.inf)):
                if apart.sum() > MOST_FAULTY * inside.sum():
                    groups[name] = two_groups(values, apart)
                    fitted = _doubted(name, chunks, fitted, apart, groups[name], least)
        for number, bound in fitted.items():
            bounds[number][name] = bound
    return ThisRun(bounds, beyond, len(chunks), groups)


def _line(name: str, run: _RunTexts, usable: Mask, priors: Priors) -> tuple[RobustLine, Mask]:
    """Fit one detector's line, each voice of the run beside its own middle; and say which voices lie far apart."""
    fault, values = catalogue()[name], run.values[name]
    harmless = -math.inf if fault.harmless is None or fault.relation is Relation.DISTANCE else fault.harmless
    fence, least = max(priors.tail(name), LEAST_FENCE), least_difference(fault)
    beside = beside_main_voice(values, [one.voice for one in run.chunks])
    line = robust_line(values - beside, run.terms, usable, fence, least, harmless)
    if not beside.any():
        return line, np.zeros_like(line.apart)
    as_one = robust_line(values, run.terms, usable, fence, least, harmless)
    return replace(line, expected=line.expected + beside), as_one.apart


def _doubted(
    name: str,
    chunks: Sequence[RunChunk],
    bounds: Mapping[int, OwnBound],
    apart: Mask,
    told: TwoGroups,
    least: float,
) -> dict[int, OwnBound]:
    """Doubt the group that may be the faulty one: the worse one, of a distance the smaller one.

    ``least``: what its limit is at least; infinite where only the other group was fitted, which voices never are.
    """
    worse = apart if catalogue()[name].relation is Relation.DISTANCE or told.smaller_at > told.larger_at else ~apart
    doubt, doubted = told.said(name), dict(bounds)
    for one, is_worse in zip(chunks, worse.tolist(), strict=True):
        if is_worse and one.attempt in bounds:
            bound = bounds[one.attempt]
            doubted[one.attempt] = replace(bound, doubt=doubt, limit=max(bound.limit, least))
    return doubted


def _mostly_same(
    name: str, values: Values, chunks: Sequence[RunChunk], buckets: Buckets, priors: Priors
) -> dict[int, OwnBound]:
    """Bounds where most chunks have one value: by the few that differ, at most what the prior allows.

    What lies beyond the prior in most chunks is how this voice is, and told of the run as a whole. Without a prior
    there is none.
    """
    prior, fault = priors.detectors.get(name), catalogue()[name]
    if prior is None or fault.relation is Relation.DISTANCE:
        return {}
    middle, high = (float(v) for v in np.quantile(values, [0.5, 0.95]))
    own = max(margin_of(fault), OF_THE_FEW * (high - middle), (fault.harmless or -math.inf) - middle)
    bounds = {}
    for bucket, top in enumerate(prior.high):
        room = math.inf if top is None or middle > top else top - middle
        limit = margin_of(fault) if room == math.inf else min(own, room)
        if top is not None:
            bounds[bucket] = OwnBound(middle, limit, len(values), middle, high)
    return {one.attempt: bounds[b] for one, b in zip(chunks, buckets.tolist(), strict=True) if b in bounds}


def _bounds(
    name: str, chunks: Sequence[RunChunk], values: Values, buckets: Buckets, line: RobustLine, priors: Priors
) -> dict[int, OwnBound]:
    fault = catalogue()[name]
    healthy = values[line.healthy]
    middle = np.where(np.isfinite(line.expected), line.expected, np.median(healthy))
    middle = np.clip(middle, healthy.min(), healthy.max())  # a line may lead out of what there is
    middle = np.minimum(middle, _most_of_a_voice(name, chunks, middle, buckets, priors))
    if fault.run_tail is None:
        tail = priors.tail(name) * widening_by_length(name, values - line.expected, buckets, line.healthy, priors)
    else:
        tail = np.full(len(chunks), fault.run_tail)
    allowed = tail * scale_of(name, line) * line.spread
    furthest = (CEILING if fault.family in CAPPED else FURTHEST) * margin_of(fault)
    allowed = np.minimum(np.maximum(allowed, least_difference(fault)), furthest)
    if fault.harmless is not None and fault.relation is not Relation.DISTANCE:
        allowed = np.maximum(allowed, fault.harmless - middle)
    if fault.run_tail is not None:
        allowed = np.maximum(allowed, (fault.default_limit or 0.0) - middle)
    low, high = (float(v) for v in np.quantile(healthy, [0.05, 0.95]))
    others = int(line.healthy.sum())
    return {
        one.attempt: OwnBound(float(expected), float(limit), others, low, high)
        for one, expected, limit, spread in zip(chunks, middle, allowed, line.spread, strict=True)
        if math.isfinite(spread)
    }


def _most_of_a_voice(name: str, chunks: Sequence[RunChunk], middle: Values, buckets: Buckets, priors: Priors) -> Values:
    """Return what a lesser voice may be expected to have: no more than any healthy voice, as it may be the main one
    at fault.

    Infinite for the main voice, and for all where that one is beyond healthy voices itself.
    """
    prior, lesser = priors.detectors.get(name), np.array([bool(one.voice) for one in chunks])
    if prior is None or catalogue()[name].relation is Relation.DISTANCE or not lesser.any():
        return np.full(len(chunks), math.inf)
    tops = np.array([math.inf if top is None else top for top in prior.high])[buckets]
    return np.where(lesser & (np.median((middle - tops)[~lesser]) <= 0), tops, math.inf)


def _beyond(name: str, chunks: Sequence[RunChunk], values: Values, bounds: Mapping[int, OwnBound]) -> frozenset[int]:
    relation = catalogue()[name].relation
    return frozenset(
        one.attempt
        for one, value in zip(chunks, values.tolist(), strict=True)
        if one.attempt in bounds and bounds[one.attempt].compared(value, relation) > bounds[one.attempt].limit
    )
