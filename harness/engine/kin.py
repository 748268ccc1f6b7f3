"""Find out that a reference is another voice, and judge what it cannot be held against without it (layer 4)."""

from __future__ import annotations

from dataclasses import replace

from harness.engine.assessor import Case
from harness.engine.soak import Soak
from harness.profile.kinship import another_voice, of_another_voice, same_voice_meant
from harness.types import Arm, Observation, Status, Variant

EVENT = "another voice"
_SPEAKER = "speaker"
_FAULT = "wrong-speaker"


def settle_voice(soak: Soak, reference: Variant | None) -> None:
    """Judge the spoken chunks again where the reference is another voice; journalled as an event, and said."""
    if soak.profile is None or reference is None or reference.name == soak.variant.name:
        return
    if same_voice_meant(soak.variant, reference):
        return
    heard = [case for case in soak.cases.values() if _similarity(case) is not None]
    below = [_beyond(case) for case in heard]
    similarities = [value for case in heard if (value := _similarity(case)) is not None]
    why = another_voice(below, similarities, _rates(soak, reference))
    if not why:
        return
    soak.profile = of_another_voice(soak.profile)
    for case in soak.cases.values():
        _judge_again(soak, case)
    soak.run.record_event(EVENT, {"variant": soak.variant.name, "reference": reference.name, "reason": why})
    soak.progress.say(f"{soak.variant.name}: another voice than {reference.name} ({why})")


def _judge_again(soak: Soak, case: Case) -> None:
    assert case.attempt.id is not None
    case.profile = soak.profile
    seen = case.observations.get(_SPEAKER)
    if seen is not None and seen.status is Status.OK:
        case.observations[_SPEAKER] = replace(seen, payload={**seen.payload, "similarity": None})
    view = case.view()
    case.evidence = case.judge.evidence(view)
    case.verdict = case.judge.verdict(view, case.evidence)
    with soak.run.together():
        soak.run.record_evidence(case.attempt.id, case.evidence)
        soak.run.record_verdict(case.attempt.id, case.verdict, case.judge.limits.key)


def _similarity(case: Case) -> float | None:
    seen: Observation | None = case.observations.get(_SPEAKER)
    value = seen.payload.get("similarity") if seen is not None and seen.status is Status.OK else None
    return None if value is None else float(value)


def _beyond(case: Case) -> bool:
    found, _ = case.judge.findings(case.view(), case.evidence)
    return any(finding.fault == _FAULT for finding in found)


def _rates(soak: Soak, reference: Variant) -> dict[str, int | None]:
    """Sample rates of both, where the reference ran along."""
    return {
        name: next((a.sample_rate for a in soak.run.attempts(variant=name, arm=Arm.SOAK) if a.sample_rate), None)
        for name in (soak.variant.name, reference.name)
    }
