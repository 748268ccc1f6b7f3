"""What is made of measurements: detections, findings, verdicts, claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.core.records.plain import Span


class Relation(StrEnum):
    """How a value is set against the reference's value on the same text before it meets its limit."""

    ABSOLUTE = "absolute"  # not at all
    EXCESS = "excess"  # value minus the reference's
    RATIO = "ratio"  # value divided by the reference's
    DISTANCE = "distance"  # distance from the reference's, either way


@dataclass(frozen=True, slots=True)
class Detection:
    """What a fault class sees in one attempt, on a scale of its own: larger is always worse.

    ``value`` is given for healthy speech too (limits are fitted on it). ``None`` with a reason means that the class
    cannot judge this attempt; that is not the same as clean.
    """

    fault: str
    value: float | None
    unit: str = ""
    span: Span | None = None
    detail: str = ""
    reason: str = ""  # why value is None
    applies: bool = True  # False: the class has nothing to look at by nature (no tokens from this backend)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in one attempt."""

    fault: str
    value: float
    limit: float
    limit_source: str  # "physics", "reference", "voice", "this run" or "prior", with its particulars
    unit: str = ""
    span: Span | None = None
    detail: str = ""
    confirmed: bool | None = None  # None: suspected, not replayed
    bound_to: str | None = None  # "text", "seed", "history" or, with several clients, "load" once replayed


@dataclass(frozen=True, slots=True)
class UsedLimit:
    """What one detector's value was held against in one attempt; ``value`` and ``limit`` are on the limit's scale."""

    detector: str
    value: float
    limit: float
    source: str  # begins with "physics", "reference", "voice", "this run" or "prior"


class VerdictWord(StrEnum):
    CLEAN = "clean"
    FAULTY = "faulty"
    NOT_JUDGED = "not judged"
    NOTHING_TO_SPEAK = "nothing to speak"  # punctuation or emoji alone, answered by silence or a refusal

    @property
    def judged(self) -> bool:
        """Return whether the chunk counts in a fault rate: clean or faulty."""
        return self in (VerdictWord.CLEAN, VerdictWord.FAULTY)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of a chunk. ``unjudged`` names what could not look, also where the word is clean or faulty."""

    word: VerdictWord
    findings: tuple[Finding, ...] = ()
    reason: str = ""  # of NOT_JUDGED
    unjudged: tuple[str, ...] = ()
    limits: tuple[UsedLimit, ...] = field(default=(), compare=False)
    final: bool = field(default=False, compare=False)  # False: provisional, before the whole session was there


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about the whole run, with its figure, count, interval and margin."""

    name: str
    variant: str
    statement: str  # a sentence with figures
    passed: bool | None  # None: the run is too small to say, or the claim only informs
    value: float | None = None
    interval: tuple[float, float] | None = None
    margin: float | None = None
    count: int | None = None
    details: Mapping[str, object] = field(default_factory=dict)
