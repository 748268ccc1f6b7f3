"""Final verdicts, once a session is over: every chunk held against the others of its run, and journalled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.records import Detection, DetectorInput, Measurement
from harness.engine.assessor import PendingVerdict, without_limits
from harness.store import Run
from harness.verdicts import Priors
from harness.verdicts.settled import SPEAKER, Settled, settle_run

TOGETHER = 64  # final verdicts that wait for the disk at once; provisional ones are there already


@dataclass(frozen=True)
class FinishedSession:
    """A session that is over: its cases in order of speaking, and what is known of them together."""

    cases: Sequence[PendingVerdict]
    settled: Settled


def finalise(run: Run, cases: Sequence[PendingVerdict], priors: Priors | None = None) -> FinishedSession:
    """Judge every case anew against the run's own distribution, and journal what changed; nothing is spoken or scored.

    The provisional verdicts stay in the journal, superseded. With fewer than 40 chunks the verdicts are the same, but
    final.
    """
    ordered = sorted(cases, key=lambda case: (case.attempt.session, case.attempt.sequence))
    given = [case.view() for case in ordered]
    settled = settle_run(given, [case.evidence for case in ordered], priors or Priors.shipped())
    judged = list(zip(ordered, settled.views, settled.evidence, strict=True))
    for first in range(0, len(judged), TOGETHER):
        with run.together():
            for case, view, evidence in judged[first : first + TOGETHER]:
                _make_final(run, case, view, evidence, settled)
    return FinishedSession(ordered, settled)


def _make_final(
    run: Run, case: PendingVerdict, view: DetectorInput, evidence: Sequence[Detection], settled: Settled
) -> None:
    """Judge one case by what the run's other chunks allow, and journal what changed."""
    assert case.attempt.id is not None
    heard = view.observations.get(SPEAKER)
    changed = [new for new, old in zip(evidence, case.evidence, strict=True) if new != old]
    case.own = settled.own.of(case.attempt.id)
    case.expected = view.voice
    case.voice_embeddings = _voice(settled, case.attempt.id, heard)
    verdict = case.judge.verdict(view, evidence, case.own)
    if heard is not None and heard != case.observations.get(SPEAKER):
        run.record_observations(case.attempt.id, [heard])
    if changed:
        run.record_evidence(case.attempt.id, changed)
    run.record_verdict(case.attempt.id, verdict, case.judge.limits.key)
    case.observations = dict(view.observations)
    case.evidence = list[Detection](evidence)
    case.verdict = without_limits(verdict)


def _voice(settled: Settled, attempt: int, heard: Measurement | None) -> dict[str, tuple[float, ...]]:
    if settled.voices is None or heard is None or attempt not in settled.voices.centroids:
        return {}
    return {str(heard.payload.get("encoder")): settled.voices.centroids[attempt]}
