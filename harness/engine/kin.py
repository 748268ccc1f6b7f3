"""Find out that a reference is another voice, and judge without it what it cannot be held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from harness.core.records import Arm, Payloads, Status, Variant
from harness.engine.assessor import PendingVerdict
from harness.store import Run
from harness.verdicts.profile import Profile
from harness.verdicts.profile.kinship import another_voice, of_another_voice, same_voice_meant

EVENT = "another voice"
_SPEAKER = "speaker"
_FAULT = "wrong-speaker"


def settle_voice(
    run: Run,
    variant: Variant,
    reference: Variant | None,
    profile: Profile | None,
    cases: Iterable[PendingVerdict],
    say: Callable[[str], None],
) -> Profile | None:
    """Return what of the reference's record holds for this variant; all of it where the two are one voice.

    Where they are not, the cases are judged again without the rest. That is journalled as an event, and said.
    """
    if profile is None or reference is None or reference.name == variant.name or same_voice_meant(variant, reference):
        return profile
    every = list(cases)
    heard = [case for case in every if _similarity(case) is not None]
    below = [_beyond(case) for case in heard]
    similarities = [value for case in heard if (value := _similarity(case)) is not None]
    why = another_voice(below, similarities, _rates(run, variant, reference))
    if not why:
        return profile
    kept = of_another_voice(profile)
    for case in every:
        _judge_again(run, case, kept)
    run.record_event(EVENT, {"variant": variant.name, "reference": reference.name, "reason": why})
    say(f"{variant.name}: another voice than {reference.name} ({why})")
    return kept


def _judge_again(run: Run, case: PendingVerdict, profile: Profile) -> None:
    assert case.attempt.id is not None
    case.profile = profile
    measurement = case.observations.get(_SPEAKER)
    if measurement is not None and measurement.status is Status.OK:
        case.observations[_SPEAKER] = replace(measurement, payload={**measurement.payload, "similarity": None})
    view = case.view()
    case.evidence = case.judge.evidence(view)
    case.verdict = case.judge.verdict(view, case.evidence)
    with run.together():
        run.record_evidence(case.attempt.id, case.evidence)
        run.record_verdict(case.attempt.id, case.verdict, case.judge.limits.key)


def _similarity(case: PendingVerdict) -> float | None:
    return Payloads(case.observations).or_empty("speaker").get("similarity")


def _beyond(case: PendingVerdict) -> bool:
    findings, _ = case.judge.findings(case.view(), case.evidence)
    return any(finding.fault == _FAULT for finding in findings)


def _rates(run: Run, variant: Variant, reference: Variant) -> dict[str, int | None]:
    """Sample rates of both, where the reference ran along."""
    return {
        name: next((a.sample_rate for a in run.attempts(variant=name, arm=Arm.SOAK) if a.sample_rate), None)
        for name in (variant.name, reference.name)
    }
