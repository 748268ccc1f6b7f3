"""Replay faulty chunks in a fresh process, same seed then others, and say what a fault is bound to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.core.errors import SoakError
from harness.core.records import Arm, Finding, Measurement, VerdictWord, seed_for
from harness.engine.assessor import SECOND_OPINION, PendingVerdict
from harness.engine.session import PlannedRequest
from harness.engine.soak import Soak

NO_REPLAY = "a recording cannot be replayed, so this stays suspected"


@dataclass(frozen=True)
class Replay:
    """What the replays of one faulty chunk showed for one fault class."""

    same_seed: bool | None  # found again with the same seed in a fresh process; None: no such replay
    identical_audio: bool  # the same-seed replay gave the same samples
    new_seeds: tuple[bool, ...]  # found with each other seed


def settle_finding(finding: Finding, replay: Replay, *, process_fault: bool) -> Finding:
    """Turn a suspected finding into a confirmed or unconfirmed one, with what it is bound to.

    - found again with the same seed in a fresh process: confirmed; bound to the text when most other seeds show it
      too, else to the seed;
    - not found again, though the same samples came back (or the backend takes a seed): the fault needs what came
      before: confirmed, bound to history;
    - no seed to hold: confirmed when another take shows it; else it stays suspected, for a take that is clean does
      not mend the recorded one.
    """
    shown = sum(replay.new_seeds)
    mostly = bool(replay.new_seeds) and shown * 2 > len(replay.new_seeds)
    if replay.same_seed:
        return replace(finding, confirmed=True, bound_to="text" if mostly else "seed")
    if replay.same_seed is None:
        bound = ("text" if mostly else "seed") if shown else None
        return replace(finding, confirmed=True if shown else None, bound_to=bound)
    if replay.identical_audio and not process_fault:
        return replace(finding, confirmed=False, detail=_note(finding, "the same samples were judged clean again"))
    return replace(finding, confirmed=True, bound_to="history")


class Replayer:
    """Replays the faulty chunks of one variant and journals the verdicts that result."""

    def __init__(self, soak: Soak) -> None:
        self._soak = soak
        self._began = time.monotonic()

    def run(self) -> None:
        """Ask the second recognizer, then replay; what is beyond the limit on replays stays suspected, and is said."""
        soak = self._soak
        faulty = [case for case in soak.cases.values() if _is(case, VerdictWord.FAULTY) and not _settled(case)]
        self._doubt(faulty)
        faulty = [case for case in faulty if not _settled(case)]
        if soak.recorded:
            for case in faulty:
                self._settle(case, [replace(f, detail=_note(f, NO_REPLAY)) for f in _findings(case)])
            return
        most = soak.plan.confirmation.most_chunks
        if len(faulty) > most:
            soak.progress.say(
                f"{soak.variant.name}: {len(faulty)} chunks look faulty; {most} are replayed, the others stay suspected"
            )
        replayed = self._speak(faulty[:most])
        soak.assessor.drain()
        self._doubt_replays(replayed)
        for case, replays in replayed:
            self._confirm(case, replays)

    def _doubt(self, faulty: Sequence[PendingVerdict]) -> None:
        """Ask the second recognizer about findings that rest on the transcript alone."""
        heard = [case for case in faulty if any(self._by_ear(f) for f in _findings(case))]
        if SECOND_OPINION not in self._soak.plan.scorers:
            return
        self._soak.assessor.second_opinion([case for case in heard if SECOND_OPINION not in case.observations])
        for case in heard:
            other = case.observations.get(SECOND_OPINION)
            if other is not None and other.payload:
                self._second(case, other)

    def _second(self, case: PendingVerdict, other: Measurement) -> None:
        view = case.view({"intelligibility": other})
        second = case.judge.verdict(view, case.judge.evidence(view), case.own).findings
        if any(self._by_ear(finding) for finding in second):
            return  # it too hears that the words are wrong, whatever class it would file that under
        refuted = "a second recognizer hears the words"
        self._settle(
            case,
            [replace(f, confirmed=False, detail=_note(f, refuted)) if self._by_ear(f) else f for f in _findings(case)],
        )

    def _settle(self, case: PendingVerdict, findings: Sequence[Finding]) -> None:
        """Journal the findings as they now stand; a chunk whose every finding was refuted is clean, and keeps them."""
        assert case.verdict is not None
        assert case.attempt.id is not None
        refuted = all(finding.confirmed is False for finding in findings)
        word = VerdictWord.CLEAN if refuted else VerdictWord.FAULTY
        case.verdict = replace(case.verdict, word=word, findings=tuple(findings))
        self._soak.run.record_verdict(case.attempt.id, case.verdict, case.judge.limits.key)

    def _by_ear(self, finding: Finding) -> bool:
        return "intelligibility" in self._soak.judge.observes(finding.fault)

    def _speak(self, faulty: Sequence[PendingVerdict]) -> list[tuple[PendingVerdict, list[PendingVerdict]]]:
        """Speak the replays of every chunk; those of one are scored while those of the next are spoken.

        Returns each chunk with its replays, of those that were spoken whole: half of the replays would be told as all.
        """
        replayed: list[tuple[PendingVerdict, list[PendingVerdict]]] = []
        for number, case in enumerate(faulty, 1):
            replays = self._replay(case)
            self._soak.assessor.collect()
            if self._soak.gone:
                break
            if replays is not None:
                replayed.append((case, replays))
            self._soak.tick("confirming", number, len(faulty), self._began, None, case.chunk.id)
        return replayed

    def _doubt_replays(self, replayed: Sequence[tuple[PendingVerdict, list[PendingVerdict]]]) -> None:
        """Ask the second recognizer about replays that look faulty, where it was asked about the chunk itself."""
        self._soak.assessor.second_opinion(
            [
                again
                for case, replays in replayed
                if SECOND_OPINION in case.observations
                for again in replays
                if _is(again, VerdictWord.FAULTY)
            ]
        )

    def _confirm(self, case: PendingVerdict, replays: Sequence[PendingVerdict]) -> None:
        silent = case.attempt.audio is None
        self._settle(
            case,
            [
                finding
                if finding.confirmed is not None
                else self._under_load(
                    settle_finding(finding, _summarise(finding.fault, case, replays), process_fault=silent)
                )
                for finding in _findings(case)
            ],
        )

    def _under_load(self, finding: Finding) -> Finding:
        """With several clients, what does not come back alone came with the others or with what was before."""
        many = self._soak.plan.clients > 1 and finding.bound_to == "history"
        return replace(finding, bound_to="load") if many else finding

    def _replay(self, case: PendingVerdict) -> list[PendingVerdict] | None:
        soak, chunk = self._soak, case.chunk
        takes = range(1, soak.plan.confirmation.new_seeds + 1)
        turns = [
            PlannedRequest(
                chunk, take=100 + take, seed=seed_for(soak.variant, chunk.id, 100 + take), arm=Arm.REPLAY_NEW_SEED
            )
            for take in takes
        ]
        if case.attempt.seed is not None:
            turns.insert(0, PlannedRequest(chunk, take=100, seed=case.attempt.seed, arm=Arm.REPLAY_SAME_SEED))
        spoken: list[PendingVerdict] = []
        try:
            for attempt, _, layout in soak.speak_apart("replay", turns, {"of": case.attempt.id}):
                if attempt.arm in (Arm.REPLAY_SAME_SEED, Arm.REPLAY_NEW_SEED):
                    spoken.append(soak.submit(attempt, chunk, layout, None, like=case))
        except SoakError as error:
            soak.run.record_event("replay failed", {"variant": soak.variant.name, "chunk": chunk.id, "why": str(error)})
            return None
        finally:
            for again in spoken:  # they are no chunks of the session
                soak.cases.pop(again.attempt.id or -1, None)
        return spoken


def _summarise(fault: str, case: PendingVerdict, replays: Sequence[PendingVerdict]) -> Replay:
    same = [again for again in replays if again.attempt.arm == Arm.REPLAY_SAME_SEED]
    new = [again for again in replays if again.attempt.arm == Arm.REPLAY_NEW_SEED]
    identical = bool(same) and case.attempt.audio_sha256 == same[0].attempt.audio_sha256
    return Replay(
        same_seed=_shows(same[0], fault) if same else None,
        identical_audio=identical,
        new_seeds=tuple(_shows(again, fault) for again in new),
    )


def _shows(case: PendingVerdict, fault: str) -> bool:
    """Whether the class found something, also where the verdict folds it into the fault that explains it."""
    findings, _ = case.judge.findings(case.view(), case.evidence, case.own)
    return any(finding.fault == fault for finding in findings)


def _is(case: PendingVerdict, word: VerdictWord) -> bool:
    return case.verdict is not None and case.verdict.word is word


def _findings(case: PendingVerdict) -> tuple[Finding, ...]:
    return case.verdict.findings if case.verdict is not None else ()


def _settled(case: PendingVerdict) -> bool:
    return case.verdict is not None and all(finding.confirmed is not None for finding in case.verdict.findings)


def _note(finding: Finding, note: str) -> str:
    return f"{finding.detail}; {note}" if finding.detail else note
