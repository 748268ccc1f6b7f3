"""The run as its own reference: what each chunk is expected to be like, given the run's other chunks and its text."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.core.records import Chunk, Relation
from harness.detectors import catalogue
from harness.detectors.base import Detector, Family
from harness.verdicts.limits import BUDGET, length_of
from harness.verdicts.priors import BUCKETS, Priors, bucket_of
from harness.verdicts.robust import RobustLine, Values, robust_line, text_terms

LEAST_FENCE = 5.0  # robust deviations; nothing nearer is kept from teaching what is healthy
MOST_AGREE = 0.5  # of the chunks must be healthy by a line, for it to say anything
LEAST_OF_A_LENGTH = 20  # chunks in a bucket of lengths, to tell how much these vary
LEAST_CHUNKS = 40  # with a value of a detector, for the run to be a reference of its own
MOST_FAULTY = 0.25  # of the chunks; beyond it nobody can tell which side is the healthy one
FLOOR = 0.5  # of a class's margin against a reference: what differs by less is no fault a listener minds
LEAST_SCALE = 0.1  # of the same: that a voice never varies is no reason to call a trifle a fault
CEILING = 1.5  # of the same, for words and lengths: a voice that varies more than this is at fault itself
FURTHEST = 2.0  # of the same, for all else: nobody takes twice what is a fault for the nature of a voice
CAPPED = (Family.TRANSCRIPT, Family.TIMING)


@dataclass(frozen=True, slots=True)
class RunChunk:
    """One chunk of a run, as the fit sees it: detector -> value, without those that could not look."""

    attempt: int
    chunk: Chunk
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class OwnBound:
    """What the run's other chunks allow one chunk: at most ``limit`` away from ``expected``."""

    expected: float
    limit: float
    others: int  # healthy chunks that it was fitted on
    low: float  # 5% and 95% of them
    high: float

    def compared(self, value: float, relation: Relation) -> float:
        """Return how far ``value`` lies beyond what was expected; for a distance, either way."""
        rest = value - self.expected
        return abs(rest) if relation is Relation.DISTANCE else rest

    @property
    def source(self) -> str:
        """Where the limit came from, in words."""
        return f"this run: {self.others} other chunks of it, given the text"


@dataclass(frozen=True)
class ThisRun:
    """A run's own limits. ``beyond`` names the chunks that lie outside them, by detector."""

    bounds: Mapping[int, Mapping[str, OwnBound]] = field(default_factory=dict)  # attempt -> detector -> bound
    beyond: Mapping[str, frozenset[int]] = field(default_factory=dict)
    chunks: int = 0

    def of(self, attempt: int | None) -> Mapping[str, OwnBound]:
        """Return what one attempt is held against, empty where the run is too small to say."""
        return self.bounds.get(attempt, {}) if attempt is not None else {}

    @property
    def faulty(self) -> frozenset[int]:
        """The attempts that lie outside of what the others allow, by any detector."""
        return frozenset().union(*self.beyond.values())

    @property
    def can_tell(self) -> bool:
        """Whether so many chunks agree that the others can be called faulty."""
        return len(self.faulty) <= MOST_FAULTY * max(self.chunks, 1)


def shared_budget(budget: float = BUDGET) -> float:
    """Return the false alarms a chunk that each detector may spend."""
    return budget / max(len(fitted_detectors()), 1)


def fitted_detectors() -> tuple[str, ...]:
    """Names of the detectors whose limits come from healthy speech, and that share the budget of false alarms."""
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
    own = max(line.above, line.below) if fault.relation is Relation.DISTANCE else line.above
    return math.hypot(own, LEAST_SCALE * margin_of(fault)) if own > 0 else 0.0


def margin_of(fault: Detector) -> float:
    """Return the difference to a reference that a class calls a fault, where nothing was fitted."""
    return abs(fault.default_margin if fault.default_margin is not None else fault.default_limit or 0.0)


def fit_run(chunks: Sequence[RunChunk], priors: Priors) -> ThisRun:
    """Fit every detector's healthy distribution on the run, twice: what the first pass finds does not teach the second.

    A detector with fewer than 40 values, or with the same value in most chunks, gets no bound; the prior decides there.
    """
    if len(chunks) < LEAST_CHUNKS:
        return ThisRun(chunks=len(chunks))
    first = _fit_all(chunks, priors, frozenset())
    apart = first.faulty if first.can_tell else frozenset()
    return _fit_all(chunks, priors, apart) if apart else first


def _fit_all(chunks: Sequence[RunChunk], priors: Priors, apart: Collection[int]) -> ThisRun:
    terms = text_terms([one.chunk for one in chunks])
    usable = np.array([one.attempt not in apart for one in chunks])
    bounds: dict[int, dict[str, OwnBound]] = {one.attempt: {} for one in chunks}
    beyond: dict[str, frozenset[int]] = {}
    for name in fitted_detectors():
        values = np.array([one.values.get(name, math.nan) for one in chunks])
        inside = np.isfinite(values)
        if (inside & usable).sum() < LEAST_CHUNKS:
            continue
        fence = max(priors.tail(name), LEAST_FENCE)
        line = robust_line(values, terms, usable, fence, FLOOR * margin_of(catalogue()[name]))
        if line.above == 0 or line.healthy.sum() < MOST_AGREE * inside.sum():
            for one in chunks:
                bounds[one.attempt] |= _nature(name, values[inside & usable], one.chunk, priors)
            continue
        fitted = _bounds(name, chunks, values, line, priors)
        for number, bound in fitted.items():
            bounds[number][name] = bound
        relation = catalogue()[name].relation
        beyond[name] = frozenset(
            one.attempt
            for one in chunks
            if one.attempt in fitted
            and name in one.values
            and fitted[one.attempt].compared(one.values[name], relation) > fitted[one.attempt].limit
        )
    return ThisRun(bounds, beyond, len(chunks))


def _nature(name: str, values: Values, chunk: Chunk, priors: Priors) -> dict[str, OwnBound]:
    """What lies beyond the prior in most chunks is how this voice is, and told of the run as a whole; else nothing."""
    prior, fault = priors.detectors.get(name), catalogue()[name]
    top = prior.high[bucket_of(length_of(chunk))] if prior is not None else None
    middle = float(np.median(values))
    if top is None or middle <= top or fault.relation is Relation.DISTANCE:
        return {}
    return {name: OwnBound(middle, margin_of(fault), len(values), middle, middle)}


def _widening(
    name: str, chunks: Sequence[RunChunk], rest: Values, line: RobustLine, priors: Priors
) -> Callable[[int], float]:
    """How much more texts of a length vary: as the run shows where it has 20 of them, at most as healthy voices do."""
    buckets = np.array([bucket_of(length_of(one.chunk)) for one in chunks])
    far = np.abs(rest)
    usual = float(np.median(far[line.healthy]))
    own: dict[int, float] = {}
    for bucket in range(len(BUCKETS)):
        inside = line.healthy & (buckets == bucket)
        if inside.sum() >= LEAST_OF_A_LENGTH and usual > 0:
            own[bucket] = max(float(np.median(far[inside])) / usual, 1.0)

    def wider(words: int) -> float:
        prior = priors.widening(name, words)
        return min(own.get(bucket_of(words), prior), prior)

    return wider


def _bounds(
    name: str, chunks: Sequence[RunChunk], values: Values, line: RobustLine, priors: Priors
) -> dict[int, OwnBound]:
    fault = catalogue()[name]
    scale, least = scale_of(name, line), margin_of(fault)
    wider = _widening(name, chunks, values - line.expected, line, priors)
    healthy = values[line.healthy]
    low, high = (float(v) for v in np.quantile(healthy, [0.05, 0.95]))
    bounds: dict[int, OwnBound] = {}
    for one, expected, spread in zip(chunks, line.expected, line.spread, strict=True):
        if not math.isfinite(spread):
            continue
        middle = float(expected) if math.isfinite(expected) else float(np.median(healthy))
        middle = min(max(middle, float(healthy.min())), float(healthy.max()))  # a line may lead out of what there is
        tail = priors.tail(name) * wider(length_of(one.chunk)) if fault.run_tail is None else fault.run_tail
        allowed = max(tail * scale * float(spread), FLOOR * least)
        allowed = min(allowed, (CEILING if fault.family in CAPPED else FURTHEST) * least)
        if fault.run_tail is not None:
            allowed = max(allowed, (fault.default_limit or 0.0) - middle)
        bounds[one.attempt] = OwnBound(middle, allowed, int(line.healthy.sum()), low, high)
    return bounds
