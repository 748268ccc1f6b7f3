"""One injected copy: spoiled, scored by what the class rests on, judged."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from harness.core.records import DetectorInput, Measurement, Samples, ScorerOptions, Tokens
from harness.detectors import catalogue
from harness.detectors.base import CannotInject, Detector, Family, InjectionMaterial, InjectionPoint, Injector
from harness.experiments.sensitivity.twins import Twin
from harness.scorers import SCORERS, observe
from harness.scorers.base import Scorer
from harness.scorers.clip import SharedClip
from harness.verdicts import VerdictPolicy

LISTENERS = frozenset({"edit_likelihood", "intelligibility", "signal"})


class TrialOutcome(StrEnum):
    """What became of one injected copy."""

    FOUND = "found"  # under its own name
    OTHERWISE = "under another name"
    MISSED = "missed"
    NOT_JUDGED = "not judged"
    NO_ROOM = "no room"  # the clip cannot hold the fault, or shows it already: not counted

    @classmethod
    def of(cls, fault: str, found: Collection[str], unjudged: Collection[str] = ()) -> TrialOutcome:
        """Return what became of a copy with ``fault`` in which the classes ``found`` were found."""
        if fault in found:
            return cls.FOUND
        if found:
            return cls.OTHERWISE
        return cls.NOT_JUDGED if fault in unjudged else cls.MISSED


@dataclass(frozen=True, slots=True)
class InjectionTrial:
    """One trial."""

    fault: str
    injector: str
    dose: float
    twin: str
    answer: TrialOutcome
    names: tuple[str, ...] = ()  # of all that was found
    reason: str = ""


class Trials:
    """Scores in this process; a scorer is loaded when it is first needed. ``decode``: tokens to samples, or None."""

    def __init__(
        self,
        judge: VerdictPolicy,
        scorers: Mapping[str, ScorerOptions],
        *,
        seed: int = 0,
        decode: Callable[[Twin, Tokens], Samples | None] | None = None,
        voice_embeddings: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self.judge = judge
        self._options = scorers
        self._seed = seed
        self._decode = decode
        self._embeddings = voice_embeddings or {}
        self._ready: dict[str, Scorer] = {}

    @cached_property
    def classes(self) -> Mapping[str, Detector]:
        """Return the classes that a single chunk can show."""
        return {name: fault for name, fault in catalogue().items() if not fault.judged_by}

    def needs(self, fault: Detector) -> frozenset[str]:
        """Return the scorers that an injected copy has to go through again for ``fault``."""
        names = {*fault.observes}
        if fault.family is Family.TRANSCRIPT:
            names |= LISTENERS  # so that the other classes of words can find it too
        return frozenset(names & set(self._options))

    def clean(self, twin: Twin) -> tuple[str, ...]:
        """Return names of all that is found in the clean clip: false alarms, if it is as healthy as it should be."""
        return self._judge(twin, twin.view, set(twin.observations))[0]

    def clean_details(self, twin: Twin) -> tuple[str, ...]:
        """Return what each alarm of the clean clip rests on, in words."""
        evidence = [f.evidence(twin.view) for f in self.classes.values() if set(f.observes) <= set(twin.observations)]
        findings, _ = self.judge.findings(twin.view, [e for e in evidence if e.applies], twin.own)
        return tuple(f"{f.fault}: {f.value:.3g} against {f.limit:.3g} ({f.detail})" for f in findings)

    def score(self, twin: Twin, names: frozenset[str]) -> dict[str, Measurement]:
        """Return fresh measurements of the clip by the scorers ``names``; views such as the STFT are computed once."""
        clip = SharedClip(twin.chunk, twin.attempt, twin.samples, twin.sample_rate, twin.variant, twin.layout)
        clip.voice_embeddings = twin.voice_embeddings or self._embeddings
        return {name: observe(self._scorer(name), clip) for name in sorted(names)}

    def version_of(self, scorer: str) -> str:
        """Return the version that a scorer's measurements carry."""
        return self._scorer(scorer).version

    def run(
        self, twin: Twin, fault: Detector, injector: Injector, dose: float, known: tuple[str, ...] = ()
    ) -> InjectionTrial:
        """Spoil, score and judge one copy. The draw depends on seed, class, dose and text alone.

        ``known``: what was found in the clean clip. It is no merit to find it again; a clip in which the class itself
        was found does not count.
        """
        label = injector.name or fault.name
        name = f"{twin.kind} {twin.chunk.id}"
        if fault.name in known:
            return InjectionTrial(
                fault.name, label, dose, name, TrialOutcome.NO_ROOM, (), "found in the clean clip already"
            )
        try:
            copy = self._spoiled(twin, injector, dose, self._draw(twin, fault, injector, dose))
        except CannotInject as why:
            return InjectionTrial(fault.name, label, dose, name, TrialOutcome.NO_ROOM, (), str(why))
        needed = self.needs(fault)
        measurements = self.score(copy, needed)
        view = replace(copy.view, observations=measurements)
        every, unjudged, reasons = self._judge(twin, view, set(measurements))
        new = tuple(one for one in every if one not in known)
        answer = TrialOutcome.of(fault.name, new, unjudged)
        return InjectionTrial(fault.name, label, dose, name, answer, new, reasons.get(fault.name, ""))

    def copy(self, twin: Twin, fault: Detector, injector: Injector, dose: float) -> Twin:
        """Return a copy with the fault in it, scored by all that its clip was scored by. Raises CannotInject."""
        spoiled = self._spoiled(twin, injector, dose, self._draw(twin, fault, injector, dose))
        return replace(spoiled, observations=self.score(spoiled, frozenset(twin.observations)))

    def _draw(self, twin: Twin, fault: Detector, injector: Injector, dose: float) -> np.random.Generator:
        label = injector.name or fault.name
        key = f"{self._seed} {fault.name} {label} {dose} {twin.kind} {twin.chunk.text}"
        return np.random.default_rng(zlib.crc32(key.encode("utf-8", "surrogatepass")))

    def _spoiled(self, twin: Twin, injector: Injector, dose: float, rng: np.random.Generator) -> Twin:
        spoiled = injector.apply(twin.material(injector.needs_words), dose, rng)
        if injector.stage is InjectionPoint.TOKENS:
            return self._decoded(twin, spoiled)
        assert spoiled.samples is not None
        seconds = len(spoiled.samples) / twin.sample_rate
        attempt = replace(twin.attempt, duration=seconds)
        return replace(twin, samples=spoiled.samples, attempt=attempt, observations={}, words=())

    def _decoded(self, twin: Twin, made: InjectionMaterial) -> Twin:
        assert made.tokens is not None
        before = twin.attempt
        samples = self._decode(twin, made.tokens) if self._decode is not None else None
        count = before.token_count
        if count is not None and before.tokens is not None:
            count += made.tokens.size - before.tokens.size
        attempt = replace(
            before,
            tokens=made.tokens,
            token_count=count,
            finish_reason=made.action.get("finish_reason", before.finish_reason),
        )
        if samples is None:
            return replace(twin, attempt=attempt, observations={})
        attempt = replace(attempt, duration=len(samples) / twin.sample_rate)
        return replace(twin, attempt=attempt, samples=samples, observations={}, words=())

    def _judge(
        self, twin: Twin, view: DetectorInput, scored: set[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
        """All that is beyond its limit, folded or not, of the classes whose scorers have looked."""
        evidence = [
            fault.evidence(view)
            for fault in self.classes.values()
            if fault.family is not Family.PROCESS and set(fault.observes) <= scored
        ]
        findings, unjudged = self.judge.findings(view, evidence, twin.own)
        reasons = {e.fault: e.reason for e in evidence if e.value is None}
        not_applicable = tuple(e.fault for e in evidence if not e.applies)
        return tuple(sorted({f.fault for f in findings})), (*unjudged, *not_applicable), {**reasons, **unjudged}

    def _scorer(self, name: str) -> Scorer:
        if name not in self._ready:
            scorer = SCORERS.get(name)(**self._options.get(name, {}))
            scorer.setup()
            self._ready[name] = scorer
        return self._ready[name]
