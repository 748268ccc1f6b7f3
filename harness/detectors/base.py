"""The interface of a fault class. The catalogue grows by adding files; this stays as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar, Protocol, TypedDict

import numpy as np

from harness.core.records import (
    LEFT_OUT,
    Chunk,
    Detection,
    DetectorInput,
    Outcome,
    Relation,
    Samples,
    Span,
    Status,
    TokenLayout,
    Tokens,
)
from harness.detectors.reading import (
    CannotJudge,
    NotApplicable,
    Unknown,
    as_span,
    known,
    number,
    required_payload,
)

__all__ = [
    "BaseFault", "CannotInject", "CannotJudge", "Citation", "Detector", "DetectorValue", "Family",
    "InjectionAction", "InjectionMaterial", "InjectionPoint", "Injector", "NotApplicable", "Unknown", "as_span",
    "known", "number", "required_payload",
]  # fmt: skip


class Family(StrEnum):
    """Where a fault can be seen."""

    WAVEFORM = "waveform"
    TOKENS = "tokens"
    TRANSCRIPT = "transcript"
    TIMING = "timing"
    PROCESS = "process"


class InjectionPoint(StrEnum):
    """What an injector changes."""

    AUDIO = "audio"
    WORDS = "words"  # audio, cut at word boundaries
    TOKENS = "tokens"  # before decoding
    BACKEND = "backend"  # the living worker


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a class, a threshold or a dose comes from."""

    what: str
    link: str = ""


class InjectionAction(TypedDict, total=False):
    """What is to be done to the living worker; each kind (``do``) has some of the other keys."""

    do: str
    words: float
    requests: float
    share: float
    megabytes: float
    seconds: float
    finish_reason: str


@dataclass(frozen=True, slots=True)
class InjectionMaterial:
    """What an injector gets and returns. Only what its stage needs is filled in."""

    chunk: Chunk
    samples: Samples | None = None
    sample_rate: int | None = None
    words: Sequence[tuple[str, float, float]] = ()  # word, start, end (s) in ``samples``
    tokens: Tokens | None = None
    layout: TokenLayout | None = None
    previous: InjectionMaterial | None = None  # what was spoken before, for splices
    other: InjectionMaterial | None = None  # another voice
    action: InjectionAction = field(default_factory=InjectionAction)  # backend stage: what the worker is to do
    span: Span | None = None  # where the damage went, for checking spans


@dataclass(frozen=True, slots=True)
class Injector:
    """Makes the fault for real. ``apply(material, dose, rng)`` is pure; it raises CannotInject when there is no room.

    ``doses`` are log-spaced from weak to strong in ``unit``; ``preset`` is the dose of a published report or of a
    threshold of audibility, where recall is promised.
    """

    stage: InjectionPoint
    unit: str
    doses: tuple[float, ...]
    preset: float
    apply: Callable[[InjectionMaterial, float, np.random.Generator], InjectionMaterial]
    name: str = ""  # empty: as the fault

    @property
    def needs_words(self) -> bool:
        """Return whether the material must hold the times of its words."""
        return self.stage is InjectionPoint.WORDS


class CannotInject(Exception):
    """The material has no room for this fault (too short, no tokens)."""


class Detector(Protocol):
    """One way speech breaks.

    ``evidence`` gives a value on a scale where larger is worse, for healthy speech too; it never compares with a
    limit (the judge does). With ``Relation.DISTANCE`` the value is a plain figure and the distance is what is worse.
    ``relation`` says how the judge sets the value against the reference's on the same text; ``against`` which of the
    reference's seeds: their median, or their worst.

    A finding needs value > limit. ``physical_limit`` holds whatever the voice is. ``default_margin`` (against the
    reference) and ``default_limit`` (without one) are used, and named so, for a voice that was never calibrated;
    ``default_long_limit``: words, and what holds instead for texts of more words than that.
    Against the run's other chunks nothing is a fault that differs by less than ``least_difference`` (None: half of
    ``default_margin``), or that stays at or below ``harmless``: what no listener objects to, whatever the voice.
    ``maximum`` is the largest value there can be: a limit at or above it cannot find anything, so the class cannot
    judge there.

    ``observes`` names the scorers whose payloads are read; empty: the attempt itself is enough. ``essential``: a
    chunk is not clean unless this class has looked, even where the run did not measure what it needs.
    ``explains`` names classes whose findings follow from this one; the judge folds them into it.
    ``judged_by``: empty, or the claim about the whole run that judges what no single chunk shows.
    ``continuous``: the value as a run's own distribution is fitted on it, where ``evidence`` cuts it off at the bottom.
    ``run_tail``: the robust deviations beyond what a run leads to expect that healthy chunks stay within, for a class
    whose limit a run can only raise (a voice that is heard badly); None: the priors' tail, and the run decides.
    ``expects``: compares with figures that the run's other chunks supply (``View.voice``), so that it has more to say
    once the session is over.
    """

    name: str  # kebab-case
    title: str  # one line a user understands
    family: Family
    causes: tuple[str, ...]
    observes: tuple[str, ...]
    unit: str
    relation: Relation
    against: str  # "median" or "worst"
    physical_limit: float | None
    default_margin: float | None
    default_limit: float | None
    default_long_limit: tuple[int, float] | None
    least_difference: float | None
    harmless: float | None
    maximum: float | None
    essential: bool
    explains: tuple[str, ...]
    sources: tuple[Citation, ...]
    injectors: tuple[Injector, ...]
    judged_by: ClassVar[str]
    expects: bool
    run_tail: float | None

    def evidence(self, view: DetectorInput) -> Detection: ...

    def continuous(self, view: DetectorInput) -> float | None: ...


@dataclass(frozen=True, slots=True)
class DetectorValue:
    """What a class measured."""

    value: float
    span: Span | None = None
    detail: str = ""


class BaseFault:
    """What the classes share: they say what they are, and ``measure``; absence becomes a reason here."""

    name: str
    title: str
    family: Family
    causes: tuple[str, ...] = ()
    observes: tuple[str, ...] = ()
    unit: str = ""
    relation: Relation = Relation.ABSOLUTE
    against: str = "median"
    physical_limit: float | None = None
    default_margin: float | None = None
    default_limit: float | None = None
    default_long_limit: tuple[int, float] | None = None
    least_difference: float | None = None
    harmless: float | None = None
    maximum: float | None = None
    essential: bool = False
    explains: tuple[str, ...] = ()
    sources: tuple[Citation, ...] = ()
    injectors: tuple[Injector, ...] = ()
    judged_by: ClassVar[str] = ""
    expects: bool = False
    run_tail: float | None = None

    def continuous(self, view: DetectorInput) -> float | None:
        """Return the value without the floor that ``measure`` puts under it; None where that is the same."""
        return None

    def measure(self, view: DetectorInput) -> DetectorValue:
        """Return what is seen. May raise CannotJudge and NotApplicable; anything else becomes "could not judge"."""
        raise NotImplementedError

    def evidence(self, view: DetectorInput) -> Detection:
        """Return evidence of this class in one attempt; never raises for what the attempt holds.

        A figure that a scorer could not take from this clip means that an essential class cannot judge, and that
        another has nothing to look at; a scorer that failed means that neither can judge.
        """
        try:
            self._require(view)
            value = self.measure(view)
        except NotApplicable as why:
            return _without_value(self.name, self.unit, str(why), applies=False)
        except Unknown as why:
            return _without_value(self.name, self.unit, str(why), applies=self.essential)
        except CannotJudge as why:
            return _without_value(self.name, self.unit, str(why), applies=True)
        except Exception as error:  # a detector that fails must not look like a clean one
            return _without_value(self.name, self.unit, f"{type(error).__name__}: {error}"[:200], applies=True)
        if not math.isfinite(value.value):
            return Detection(self.name, None, self.unit, value.span, reason=f"its value is {value.value}, not a number")
        if value.span is None and not value.detail:
            return _of_value(self.name, float(value.value), self.unit)
        return Detection(self.name, float(value.value), self.unit, value.span, value.detail)

    def _require(self, view: DetectorInput) -> None:
        if self.family is Family.PROCESS or self.judged_by:
            return
        if view.attempt.outcome is not Outcome.OK:
            raise NotApplicable(f"no speech to look at ({view.attempt.outcome.value})")
        for scorer in self.observes:
            measurement = view.observations.get(scorer)
            if measurement is None:
                if self.essential:
                    raise CannotJudge(f"{scorer} was not measured in this run")
                raise NotApplicable(f"{scorer} was not measured in this run")
            if measurement.status is Status.ERROR:
                raise CannotJudge(f"{scorer} failed: {measurement.reason}")
            if measurement.status is Status.NOT_AVAILABLE:
                if self.essential and measurement.reason != LEFT_OUT:
                    raise CannotJudge(f"{scorer}: {measurement.reason}")
                raise NotApplicable(f"{scorer}: {measurement.reason}")


# Most detections of a long run are the same in thousands of chunks: nothing seen, or nothing to look at.
@lru_cache(maxsize=4096)
def _without_value(fault: str, unit: str, reason: str, *, applies: bool) -> Detection:
    return Detection(fault, None, unit, reason=reason, applies=applies)


@lru_cache(maxsize=4096)
def _of_value(fault: str, value: float, unit: str) -> Detection:
    return Detection(fault, value, unit)
