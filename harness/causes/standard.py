"""The standard of a run, for one attempt more: its frozen limits, its reference, and what its own chunks allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.causes.target import CauseTarget, chunks_of_run
from harness.core.records import Arm, Detection, DetectorInput, Finding, Measurement
from harness.detectors import catalogue
from harness.engine.assessor import PendingVerdict
from harness.engine.kin import EVENT
from harness.store import Run
from harness.verdicts import Limits, Priors, VerdictPolicy
from harness.verdicts.limits import Bound
from harness.verdicts.profile import Profile
from harness.verdicts.profile.kinship import of_another_voice
from harness.verdicts.settled import settle_run
from harness.verdicts.this_run import LEAST_CHUNKS, OwnBound, ThisRun


@dataclass(frozen=True)
class JudgedAgain:
    """What one attempt shows by the standard of the run. ``own``: what the run's chunks allow a text like this."""

    findings: tuple[Finding, ...]
    unjudged: Mapping[str, str]  # detector -> why it could not look
    own: Mapping[str, OwnBound]

    def shows(self, fault: str) -> bool:
        """Return whether the class found something, also where the verdict folds it into another."""
        return any(finding.fault == fault for finding in self.findings)


class RunStandard:
    """Judges attempts as if each were one chunk more of the run: by the same limits, and by its other chunks.

    The whole run is fitted once, which tells its faulty chunks; then the class of the target alone (with all classes
    of words where it is one of them) is fitted on the others and each new attempt.
    """

    def __init__(self, target: CauseTarget, profile: Profile | None) -> None:
        self.policy = VerdictPolicy(target.limits)
        fault = target.finding.fault
        self._classes = {fault}
        if self.by_ear(fault):
            self._classes |= {name for name in catalogue() if self.by_ear(name)}
        with Run.open(target.run) as run:
            other = any(event.data.get("variant") == target.variant for event in run.events(EVENT))
            self.profile = of_another_voice(profile) if profile is not None and other else profile
            views, evidence = self._chunks(run, target.variant)
        self._own = settle_run(views, evidence, Priors.shipped()).own if views else ThisRun()
        apart = self._own.faulty if self._own.can_tell else frozenset[int]()
        healthy = [number for number, view in enumerate(views) if view.attempt.id not in apart]
        self._views = [views[number] for number in healthy]
        self._evidence = [self._of_class(evidence[number]) for number in healthy]

    def by_ear(self, fault: str) -> bool:
        """Return whether the class rests on what a recognizer heard."""
        return "intelligibility" in self.policy.observes(fault)

    def judge(self, case: PendingVerdict, replacing: Mapping[str, Measurement] | None = None) -> JudgedAgain:
        """Return what the attempt of ``case`` shows, judged by the run; ``replacing`` swaps measurements."""
        view = case.view(replacing)
        return self._judged(view, self.policy.evidence(view))

    def allowed(self, attempt: int | None) -> Mapping[str, OwnBound]:
        """Return what the run's other chunks allowed one of its attempts, empty where they are too few to say."""
        return self._own.of(attempt)

    def _of_class(self, evidence: Sequence[Detection]) -> list[Detection]:
        return [detection for detection in evidence if detection.fault in self._classes]

    def _judged(self, view: DetectorInput, evidence: list[Detection]) -> JudgedAgain:
        given = self._of_class(evidence)
        if len(self._views) < LEAST_CHUNKS:
            findings, unjudged = self.policy.findings(view, given)
            return JudgedAgain(tuple(findings), unjudged, {})
        guest = replace(view, attempt=replace(view.attempt, id=-1))  # no attempt of the run has this id
        settled = settle_run([*self._views, guest], [*self._evidence, given], Priors.shipped())
        own = settled.own.of(-1)
        findings, unjudged = self.policy.findings(settled.views[-1], settled.evidence[-1], own)
        return JudgedAgain(tuple(findings), unjudged, own)

    def _chunks(self, run: Run, variant: str) -> tuple[list[DetectorInput], list[list[Detection]]]:
        """Return the run's own chunks as its verdicts saw them; none where they are too few to be a reference."""
        texts, views, evidence = chunks_of_run(run), [], []
        attempts = [a for a in run.attempts(variant=variant, arm=Arm.SOAK) if a.chunk_id in texts]
        if len(attempts) < LEAST_CHUNKS:
            return [], []
        every = run.all_evidence(variant=variant, arm=Arm.SOAK)
        for attempt in attempts:
            assert attempt.id is not None
            chunk = texts[attempt.chunk_id]
            record = self.profile.record(chunk) if self.profile is not None else None
            views.append(DetectorInput(chunk, attempt, run.observations(attempt.id), record))
            evidence.append(list(every.get(attempt.id, {}).values()))
        return views, evidence


def shown_alone(case: PendingVerdict, limits: Limits) -> frozenset[str]:
    """Return the classes that find something in an attempt that is judged by ``limits``, in a run of its own."""
    policy, view = VerdictPolicy(limits), case.view()
    return frozenset(finding.fault for finding in policy.findings(view, policy.evidence(view))[0])


def limits_for_one(limits: Limits, own: Mapping[str, OwnBound]) -> Limits:
    """Return limits that judge a text alone as the run judged it: what its other chunks allowed becomes the voice's."""
    faults = dict(limits.faults)
    for name, bound in own.items():
        if not faults[name].voice and not bound.doubt:
            alone = Bound(bound.limit, f"{bound.source} (frozen)", center=bound.expected)
            faults[name] = replace(faults[name], voice=(alone,))
    return Limits(faults, {}, {"reason": "limits of one text of a run"})
