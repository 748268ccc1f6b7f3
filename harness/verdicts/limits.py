"""Limits as data: what each class is held against, where that came from, frozen as JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.documents import read_json
from harness.core.records import Chunk, Json, Relation
from harness.detectors import catalogue
from harness.text import count_words, with_normaliser
from harness.verdicts.priors import BUCKETS, Prior, Priors
from harness.verdicts.stored_limits import SCHEMA, LimitsFit, StoredBound, StoredFaultLimits, read_stored_limits

if TYPE_CHECKING:
    from harness.detectors.base import Detector

DEFAULT = "default, not fitted on this voice"
BUDGET = 0.004  # false alarms a chunk, all detectors together


def length_of(chunk: Chunk) -> int:
    """Return words of what should be heard of a chunk, at least 1 (see :func:`harness.text.count_words`)."""
    return max(count_words(chunk.expected_text), 1)


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit, for texts of up to ``max_words`` words (None: of any length).

    What is compared is ``value - (center + slope * ln(words))``; for ``Relation.DISTANCE`` its absolute value.
    """

    limit: float
    source: str
    center: float = 0.0
    slope: float = 0.0
    max_words: int | None = None

    def compared(self, value: float, words: int, relation: Relation) -> float:
        """Return ``value`` on the scale of the limit."""
        rest = value - (self.center + self.slope * math.log(words))
        return abs(rest) if relation is Relation.DISTANCE else rest

    def to_json(self) -> Json:
        return {
            "limit": self.limit,
            "source": self.source,
            "center": self.center,
            "slope": self.slope,
            "max_words": self.max_words,
        }


@dataclass(frozen=True, slots=True)
class FaultLimits:
    """The limits of one class, in the order in which they hold.

    Physics, the reference on the same text, the reference's own distribution (``voice``), and last, behind what the run
    itself shows, ``prior``: what healthy voices stay within.
    """

    relation: Relation
    against: str = "median"  # of the reference's seeds; or "worst"
    reference: tuple[Bound, ...] = ()
    voice: tuple[Bound, ...] = ()
    prior: tuple[Bound, ...] = ()
    physics: float | None = None
    maximum: float | None = None

    def to_json(self) -> Json:
        return {
            "relation": self.relation.value,
            "against": self.against,
            "reference": [bound.to_json() for bound in self.reference],
            "voice": [bound.to_json() for bound in self.voice],
            "prior": [bound.to_json() for bound in self.prior],
            "physics": self.physics,
            "maximum": self.maximum,
        }


def pick(bounds: Sequence[Bound], words: int) -> Bound | None:
    """Return the bound of the narrowest bucket that holds a text of ``words`` words, or None."""
    fitting = [bound for bound in bounds if bound.max_words is None or words <= bound.max_words]
    return min(fitting, key=lambda b: math.inf if b.max_words is None else b.max_words, default=None)


@dataclass(frozen=True)
class Limits:
    """All limits of one voice. Self-contained: what was not fitted holds the catalogue's defaults, named so.

    ``keys`` are the hashes and versions the limits were fitted under (voice, model, scorers); ``fitted`` says on what
    and to which false-alarm budget. ``key`` identifies the whole.
    """

    faults: Mapping[str, FaultLimits]
    keys: Mapping[str, str] = field(default_factory=dict)
    fitted: LimitsFit = field(default_factory=lambda: LimitsFit())

    @classmethod
    def default(cls, priors: Priors | None = None) -> Limits:
        """Return the limits of a voice that was never calibrated: physics, and the priors (those that come with the
        tool).
        """
        shipped = Priors.shipped() if priors is None else priors
        return cls({name: _default(fault, shipped) for name, fault in catalogue().items()})

    @classmethod
    def load(cls, path: Path) -> Limits:
        """Read a calibration. Raises ConfigError naming file and key when it cannot be used."""
        return cls.from_json(read_json(path, "calibration"), str(path))

    @classmethod
    def from_json(cls, data: object, where: str = "limits") -> Limits:
        """Return the inverse of ``to_json``; classes that the data does not name keep their defaults."""
        faults = dict(cls.default().faults)
        stored = read_stored_limits(data, where, faults)
        faults |= {name: _with_defaults(given, faults[name]) for name, given in stored.faults.items()}
        return cls(faults, stored.keys, stored.fitted)

    def to_json(self) -> Json:
        """Return plain JSON, stable from one call to the next."""
        return {
            "schema": SCHEMA,
            "keys": dict(sorted(self.keys.items())),
            "fitted": self.fitted,
            "faults": {name: self.faults[name].to_json() for name in sorted(self.faults)},
        }

    def save(self, path: Path) -> None:
        """Write the limits as readable JSON."""
        path.write_text(json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @cached_property
    def key(self) -> str:
        """Return the identity of the limits: 16 hex digits of the SHA-256 of their JSON."""
        text = json.dumps(self.to_json(), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def mismatch(self, keys: Mapping[str, str]) -> str:
        """Name the first key on which the calibration and ``keys`` differ, or return an empty string."""
        mine = with_normaliser(self.keys)
        for name in sorted(set(mine) & set(keys)):
            if mine[name] != keys[name]:
                return f"{name}: fitted under {mine[name]}, now {keys[name]}"
        return ""


def _prior_bounds(fault: Detector, priors: Priors) -> tuple[Bound, ...]:
    """Return what healthy voices stay within; both ways for a distance."""
    prior = priors.detectors.get(fault.name)
    if prior is None:
        return ()
    return tuple(
        _prior_bound(fault, prior, low, high, top)
        for low, high, top in zip(prior.low, prior.high, BUCKETS, strict=True)
        if low is not None and high is not None
    )


def _prior_bound(fault: Detector, prior: Prior, low: float, high: float, top: int | None) -> Bound:
    if fault.relation is Relation.DISTANCE:
        return Bound((high - low) / 2, prior.source, (high + low) / 2, 0.0, top)
    return Bound(high, prior.source, 0.0, 0.0, top)


def _default_bounds(fault: Detector) -> tuple[Bound, ...]:
    """Return what holds without a prior; long texts may have a narrower limit."""
    source = f"prior: {DEFAULT}"
    if fault.default_limit is None:
        return ()
    if fault.default_long_limit is None:
        return (Bound(fault.default_limit, source),)
    words, limit = fault.default_long_limit
    return Bound(fault.default_limit, source, max_words=words), Bound(limit, source)


def _default(fault: Detector, priors: Priors) -> FaultLimits:
    margin = fault.default_margin
    return FaultLimits(
        relation=fault.relation,
        against=fault.against,
        reference=(Bound(margin, f"reference on the same text; {DEFAULT}"),) if margin is not None else (),
        prior=_prior_bounds(fault, priors) or _default_bounds(fault),
        physics=fault.physical_limit,
        maximum=fault.maximum,
    )


def _with_defaults(given: StoredFaultLimits, default: FaultLimits) -> FaultLimits:
    """One class of a calibration; what it does not hold, or took over unfitted, is the default."""
    return FaultLimits(
        relation=given.relation,
        against=given.against,
        reference=_bounds(given.reference),
        voice=tuple(bound for bound in _bounds(given.voice) if bound.source != DEFAULT),
        prior=_bounds(given.prior) if given.prior is not None else default.prior,
        physics=given.physics,
        maximum=given.maximum,
    )


def _bounds(stored: Sequence[StoredBound]) -> tuple[Bound, ...]:
    return tuple(Bound(one.limit, one.source, one.center, one.slope, one.max_words) for one in stored)
