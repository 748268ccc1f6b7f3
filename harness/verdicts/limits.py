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
from harness.core.errors import ConfigError, nearest, refuse_unknown
from harness.core.records import Chunk, Json, Relation
from harness.detectors import catalogue
from harness.text import count_words, with_normaliser
from harness.verdicts.priors import BUCKETS, Prior, Priors

if TYPE_CHECKING:
    from harness.detectors.base import Detector

SCHEMA = 1
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
    fitted: Json = field(default_factory=dict)

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
    def from_json(cls, data: Json, where: str = "limits") -> Limits:
        """Return the inverse of ``to_json``; classes that the data does not name keep their defaults."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            schema = data.get("schema") if isinstance(data, dict) else None
            raise ConfigError(f"{where}: schema is {schema!r}, this version reads {SCHEMA}")
        refuse_unknown(where, data, ("schema", "keys", "fitted", "faults"))
        for key in ("faults", "keys", "fitted"):
            if not isinstance(data.get(key, {}), dict):
                raise ConfigError(f"{where}: key {key!r} must be a table, got {str(data[key])[:40]!r}")
        if not data.get("faults"):  # defaults in the name of a calibration would judge without a word
            raise ConfigError(f"{where}: key 'faults' is missing or empty: it limits nothing")
        if not all(isinstance(value, str) for value in data.get("keys", {}).values()):
            raise ConfigError(f"{where}: key 'keys' must hold texts")
        faults = dict(cls.default().faults)
        for name, given in data["faults"].items():
            if name not in faults:
                raise ConfigError(f"{where}: faults.{name}: unknown fault{nearest(name, faults)}")
            faults[name] = _read(given, f"{where}: faults.{name}", faults[name])
        return cls(faults, dict(data.get("keys", {})), dict(data.get("fitted", {})))

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


def _default(fault: Detector, priors: Priors) -> FaultLimits:
    margin, limit = fault.default_margin, fault.default_limit
    return FaultLimits(
        relation=fault.relation,
        against=fault.against,
        reference=(Bound(margin, f"reference on the same text; {DEFAULT}"),) if margin is not None else (),
        prior=_prior_bounds(fault, priors) or ((Bound(limit, f"prior: {DEFAULT}"),) if limit is not None else ()),
        physics=fault.physical_limit,
        maximum=fault.maximum,
    )


def _read(given: Json, where: str, default: FaultLimits) -> FaultLimits:
    """One class of a calibration; what it does not hold, or took over unfitted, is the default."""
    try:
        voice = tuple(bound for bound in map(_bound, given["voice"]) if bound.source != DEFAULT)
        prior = tuple(_bound(b) for b in given["prior"]) if "prior" in given else default.prior
        return FaultLimits(
            relation=Relation(given["relation"]),
            against=str(given["against"]),
            reference=tuple(_bound(b) for b in given["reference"]),
            voice=voice,
            prior=prior,
            physics=_finite(given["physics"]),
            maximum=_finite(given["maximum"]),
        )
    except KeyError as error:
        raise ConfigError(f"{where}: key {error.args[0]!r} is missing") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigError(f"{where}: {error}") from None


def _bound(given: Json) -> Bound:
    limit = _finite(given["limit"])
    if limit is None:
        raise ValueError("a limit is missing")
    words = given.get("max_words")
    if words is not None and (not isinstance(words, int) or isinstance(words, bool) or words < 1):
        raise ValueError(f"max_words is {words!r}, no count of words")
    center, slope = _finite(given.get("center", 0.0)), _finite(given.get("slope", 0.0))
    return Bound(limit, str(given["source"]), center or 0.0, slope or 0.0, words)


def _finite(value: object) -> float | None:
    if value is None:
        return None
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        raise ValueError(f"{number} is no limit")
    return number
