"""What a suite test holds: verdicts and claims read from the store, failures told in ten lines at most."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.printable import printable, printable_line
from harness.core.records import Arm, Attempt, Measurement, Status, Verdict, VerdictWord
from harness.core.suites import suite_of
from harness.plugin.failures import ClaimFailed, FaultFound
from harness.plugin.selection import SuiteCase, SuiteContext

if TYPE_CHECKING:
    from harness.store import Run

_WIDTH = 110


class FinishedRun:
    """The finished run, as tests ask about it. Reads only."""

    def __init__(self, run: Run, scene: SuiteContext, options: str = "") -> None:
        self._run = run
        self._scene = scene
        self._options = options
        self._suite = suite_of(scene.suite)
        self.properties: list[tuple[str, object]] = []  # of the item that asks now, for JUnit
        self.node = ""  # the item that asks now, as pytest takes it on a command line
        self._texts = {chunk.id: chunk.text for chunk in scene.corpus.chunks}
        self._attempts = {(a.variant, a.chunk_id): a for a in run.attempts(arm=Arm.SOAK)}
        self._verdicts = run.verdicts()
        self._claims = {(claim.variant, claim.name): claim for claim in run.claims()}
        self._lost = {
            event.data["variant"]: str(event.data["reason"])
            for event in run.events()
            if event.kind in ("cannot be loaded", "gave up")
        }

        self._away = {str(event.data["variant"]): str(event.data["reason"]) for event in run.events("backend away")}
        self._ended = {event.data["variant"]: event.data["reason"] for event in run.events("stopped early")}

    @property
    def path(self) -> Path:
        """Return the run directory."""
        return self._run.path

    @property
    def decided(self) -> int:
        """Return claims that hold or do not hold; the others say that the run is too small."""
        return sum(claim.passed is not None for claim in self._claims.values())

    def check(self, ask: SuiteCase) -> None:
        """Pass when the chunk is clean, fail when it is faulty, skip with the reason when it was not judged."""
        attempt = self._attempts.get((ask.variant, ask.chunk_id))
        if attempt is None or attempt.id is None:
            if ask.variant in self._away:  # nothing was asked, so nothing was found
                pytest.skip(f"not judged: {self._away[ask.variant]}")
            reason = self._lost.get(ask.variant)
            if reason is not None:
                raise FaultFound(printable_line(f"{ask}: never spoken: {reason}"))
            pytest.skip(f"not judged: never spoken ({self._ended.get(ask.variant, 'the run was interrupted')})")
        verdict = self._verdicts.get(attempt.id)
        if verdict is None:
            pytest.skip("not judged: the run was interrupted before the verdict")
        from harness.report.exports import junit_properties  # draws charts too: not at collection

        self.properties += junit_properties(attempt, verdict, self._run.observations(attempt.id))
        if verdict.word is VerdictWord.NOTHING_TO_SPEAK:
            pytest.skip(verdict.reason)
        if verdict.word is VerdictWord.NOT_JUDGED:
            pytest.skip(printable_line(f"not judged: {verdict.reason}"))
        if verdict.word is VerdictWord.FAULTY:
            raise FaultFound("\n".join(self.explain(ask, attempt, verdict)))

    def claim(self, variant: str, name: str) -> None:
        """Pass when the claim holds, fail when it does not, skip when the run is too small to say."""
        self._suite.check_claim(name, self.node.partition("[")[0])
        matching = self._claims.get((variant, name))
        if matching is None and variant in self._away:
            pytest.skip(f"not judged: {self._away[variant]}")
        if matching is None:
            reason = self._lost.get(variant)
            if reason is not None:
                raise ClaimFailed(printable_line(f"{name} of {variant}: {reason}"))
            pytest.skip(f"the run makes no claim {name!r} about {variant}")
        if matching.passed is False:
            raise ClaimFailed(printable(f"{matching.name} of {matching.variant}: {matching.statement}"))
        if matching.passed is None:
            pytest.skip(printable(matching.statement))

    def explain(self, ask: SuiteCase, attempt: Attempt, verdict: Verdict) -> list[str]:
        """Return at most ten lines: what, where in the audio, text against transcript, and how to reproduce it."""
        assert attempt.id is not None
        from harness.report.scores import finding_line

        worst = [finding for finding in verdict.findings if finding.confirmed is not False]
        lines = [f"{ask}: {', '.join(dict.fromkeys(finding.fault for finding in worst))}"]
        lines += [f"  {_short(finding_line(finding), 2 * _WIDTH)}" for finding in worst[:3]]
        if len(worst) > 3:
            lines.append(f"  and {len(worst) - 3} more")
        if attempt.audio is not None:
            lines.append(f"  audio: {self._run.path / attempt.audio} ({attempt.duration:.1f} s, seed {attempt.seed})")
        lines.append(f"  text:  {_short(self._texts.get(ask.chunk_id, ''))}")
        heard = self._run.observations(attempt.id).get("intelligibility")
        if heard is not None:
            lines.append(f"  heard: {_heard(heard)}")
        lines.append(f"  reproduce with: {self.reproduce()}")
        return [printable_line(line) for line in lines[:10]]

    def reproduce(self) -> str:
        """Return a command that speaks and judges this chunk alone, with the same seed."""
        return f"pytest {shlex.quote(self.node)}{self._options}"


def node_of(item: pytest.Item, here: Path) -> str:
    """Return the item as pytest takes it on a command line given in ``here``."""
    path = item.path.relative_to(here) if item.path.is_relative_to(here) else item.path
    return f"{path}::{item.nodeid.partition('::')[2]}"


def _heard(heard: Measurement) -> str:
    if heard.status is not Status.OK:
        return f"({heard.reason})"
    return _short(heard.transcript.get("text") or "(no words)")


def _short(text: str, width: int = _WIDTH) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= width else plain[: width - 3] + "..."
