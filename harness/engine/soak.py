"""One variant's session: speak every selected chunk, score and judge beside it, confirm, time it quietly."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from harness.core.errors import SoakError
from harness.core.records import LEFT_OUT, Arm, Attempt, Chunk, Measurement, Status, TokenLayout, Variant, VerdictWord
from harness.engine.assessor import PendingVerdict, ScoringPipeline
from harness.engine.executor import executor_of
from harness.engine.final import FinishedSession, finalise
from harness.engine.kin import settle_voice
from harness.engine.pace import RESTARTS_IN_VAIN, Speed, patiently
from harness.engine.parts import SessionPart, session_parts
from harness.engine.plan import Plan
from harness.engine.progress import Progress, Tick
from harness.engine.session import BackendGone, PlannedRequest, Session
from harness.store import Run
from harness.verdicts import VerdictPolicy
from harness.verdicts.profile import Profile

_COUNT_EVERY = 0.5  # s between two counts of the verdicts so far
BEHIND = "scoring behind"


@dataclass
class Soak:
    """What drives one variant; built by the engine for each in turn.

    It owns the worker of the session that it speaks, one at a time: the worker ends with its session, when the next
    session begins, or when this context is left, whatever happened to those who were listening.
    """

    plan: Plan
    run: Run
    variant: Variant
    judge: VerdictPolicy
    profile: Profile | None
    assessor: ScoringPipeline
    progress: Progress
    workdir: Path
    cases: dict[int, PendingVerdict] = field(default_factory=dict)
    gone: str = ""  # why the backend was given up as away; nothing more is asked of it
    ended: FinishedSession | None = field(default=None, init=False)  # once all was spoken
    _living: Session | None = field(default=None, init=False, repr=False)
    _counts: tuple[int, int] = field(default=(0, 0), init=False, repr=False)  # faulty, not judged
    _counted_at: float = field(default=-1.0, init=False, repr=False)

    def __enter__(self) -> Soak:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker of a session that was left half-way; nothing happens where none is alive."""
        session, self._living = self._living, None
        if session is not None:
            session.close()

    @property
    def recorded(self) -> bool:
        """Return whether there is nothing to be spoken again: the audio existed before."""
        return self.run.is_recorded(self.variant.name)

    def speak(
        self,
        overrides: Mapping[str, Mapping[str, object]] | None = None,
        enough: Callable[[list[PendingVerdict]], bool] | None = None,
    ) -> list[PendingVerdict]:
        """Speak the selected chunks in one living session; returns the judged attempts in order of speaking.

        ``overrides``: chunk id -> settings for the request of that chunk alone. ``enough`` is asked before each chunk
        with what is known so far; the session ends when it says so.
        """
        speed = Speed()
        for part in session_parts(self.plan, self.variant):
            self._speak_part(part, speed, overrides or {}, enough)
        return self._finish(speed.value)

    def judge_spoken(self) -> list[PendingVerdict]:
        """Judge what was spoken before, speak nothing; returns the judged attempts."""
        for part in session_parts(self.plan, self.variant):
            self.begin_part(part)
        return self._finish(None)

    def _speak_part(
        self,
        part: SessionPart,
        speed: Speed,
        overrides: Mapping[str, Mapping[str, object]],
        enough: Callable[[list[PendingVerdict]], bool] | None,
    ) -> None:
        """Speak what is left of one session; what was spoken before is recalled or judged."""
        row, done, todo = self.begin_part(part)
        began = time.monotonic()
        previous: tuple[int, Chunk] | None = None
        turns = [PlannedRequest(chunk, overrides=overrides.get(chunk.id)) for chunk in todo]
        if enough is not None and enough(list(self.cases.values())):
            turns = []
        count = 0
        for attempt, chunk, layout in self._attempts(row, done, turns, Arm.SOAK):
            if attempt.arm == Arm.SOAK:
                count += 1
                speed.add(attempt)
                before = previous[1] if previous is not None and previous[0] == attempt.epoch else None
                self.submit(attempt, chunk, layout, before)
                previous = (attempt.epoch, chunk)
            self.assessor.collect()
            self.tick(f"soak{part.title}", count, len(todo), began, speed.value, chunk.id)
            if enough is not None and enough(list(self.cases.values())):
                self.close()
                break

    def begin_part(self, part: SessionPart, *, score: bool = True) -> tuple[int, list[Attempt], list[Chunk]]:
        """Begin or take up a session; returns its number, its attempts so far and the chunks that are left.

        With ``score``, what was journalled and not judged is sent to be scored, unless it is on its way already.
        """
        row, done = self.session_row(Arm.SOAK, [chunk.id for chunk in part.chunks], dict(part.details))
        spoken = {attempt.chunk_id for attempt in done if attempt.arm == Arm.SOAK}
        if score:
            self._again(done, {chunk.id: chunk for chunk in part.chunks})
        return row, done, [chunk for chunk in part.chunks if chunk.id not in spoken]

    def _finish(self, rtfx: float | None) -> list[PendingVerdict]:
        """Wait for the scorers, find out whose voice it is, and make the verdicts final."""
        self._finish_scoring(rtfx)
        spoken = [case for case in self.cases.values() if case.attempt.arm == Arm.SOAK]
        reference = self.plan.reference_of(self.variant)
        self.profile = settle_voice(self.run, self.variant, reference, self.profile, spoken, self.progress.say)
        self.ended = finalise(self.run, spoken)
        return list(self.cases.values())

    def session_row(self, arm: str, ids: list[str], details: dict[str, object]) -> tuple[int, list[Attempt]]:
        """Return the session of this variant, arm and details: a new one, or on resume the one already begun."""
        for row in self.run.sessions():
            if (row.variant, row.arm, list(row.chunk_ids), row.details) == (self.variant.name, str(arm), ids, details):
                return row.id, self.run.attempts(session=row.id)
        return self.run.begin_session(self.variant.name, str(arm), ids, details), []

    def submit(
        self,
        attempt: Attempt,
        chunk: Chunk,
        layout: TokenLayout | None,
        previous: Chunk | None,
        like: PendingVerdict | None = None,
    ) -> PendingVerdict:
        """Send one attempt to be scored and judged; the case is kept. ``like``: held against what that one was."""
        assert attempt.id is not None
        case = PendingVerdict(attempt, chunk, self.variant, self.judge, self.profile, layout, previous)
        if like is not None:
            case.own, case.expected, case.voice_embeddings = like.own, like.expected, like.voice_embeddings
        case.observations |= {
            name: Measurement(name, "", Status.NOT_AVAILABLE, reason=LEFT_OUT) for name in self.plan.left_out
        }
        self.cases[attempt.id] = case
        self.assessor.submit(case)
        return case

    def speak_apart(
        self, arm: str, turns: list[PlannedRequest], details: dict[str, object]
    ) -> Generator[tuple[Attempt, Chunk, TokenLayout | None]]:
        """Speak in a fresh process, as a session of its own; what a resumed run already has is yielded as it is."""
        row, done = self.session_row(arm, [turn.chunk.id for turn in turns], details)
        chunks = {turn.chunk.id: turn.chunk for turn in turns}
        layout = self._layout_of(row)
        for attempt in done:
            if attempt.arm != Arm.LOST:
                yield attempt, chunks[attempt.chunk_id], layout
        have = {(attempt.chunk_id, attempt.arm, attempt.take) for attempt in done}
        todo = [turn for turn in turns if (turn.chunk.id, turn.arm or str(arm), turn.take) not in have]
        yield from self._attempts(row, done, todo, arm)

    def quiet_pass(self) -> None:
        """Speak the first few chunks again in a fresh process with nothing else running, for honest timing."""
        turns = [PlannedRequest(chunk) for chunk in self.plan.chunks(self.variant)[: self.plan.quiet_chunks]]
        began = time.monotonic()
        for count, (_, chunk, _layout) in enumerate(self.speak_apart(Arm.QUIET, turns, {}), 1):
            self.tick("quiet pass", count, len(turns), began, None, chunk.id)

    def _attempts(
        self, row: int, done: list[Attempt], turns: list[PlannedRequest], arm: str
    ) -> Generator[tuple[Attempt, Chunk, TokenLayout | None]]:
        if not turns or self.gone:
            return
        self.close()
        worker = executor_of(self.plan).worker(self.variant, self.workdir, self.progress.say, apart=True)
        if arm == Arm.SOAK:
            self.assessor.warm()
        told = self.progress.say
        self._living = session = Session(
            self.run, self.variant, worker, row, str(arm), patience=self.plan.patience, say=told
        )
        try:
            session.open("resume" if done else "start", sequence=1 + max((a.sequence for a in done), default=-1))
            for turn, restart in patiently(session, turns, self.give_up):
                for attempt in restart(turn):
                    yield attempt, turn.chunk, session.layout
        finally:
            if self._living is session:
                self._living = None
            session.close()

    def give_up(self, error: SoakError) -> None:
        """Journal and say why nothing more is asked of the backend."""
        if isinstance(error, BackendGone):
            self.gone = str(error)
            self.run.record_event("backend away", {"variant": self.variant.name, "reason": self.gone})
            self.progress.say(f"{self.variant.name}: {self.gone}; what was not spoken is not judged (go on: --resume)")
            return
        self.run.record_event("gave up", {"variant": self.variant.name, "reason": str(error)})
        self.progress.say(f"{self.variant.name}: gave up after {RESTARTS_IN_VAIN} failed restarts: {error}")

    def _again(self, done: list[Attempt], chunks: dict[str, Chunk]) -> None:
        """Score and judge attempts that an interrupted run had journalled but not yet judged; recall the others."""
        verdicts = self.run.verdicts(variant=self.variant.name)
        by_sequence = sorted((a for a in done if a.arm == Arm.SOAK), key=lambda attempt: attempt.sequence)
        before: Attempt | None = None
        for attempt in by_sequence:
            assert attempt.id is not None
            same = before is not None and before.epoch == attempt.epoch
            previous = chunks[before.chunk_id] if before is not None and same else None
            layout = self._layout_of(attempt.session)
            before = attempt
            if attempt.id in self.cases:
                continue
            if attempt.id not in verdicts:
                self.submit(attempt, chunks[attempt.chunk_id], layout, previous)
                continue
            case = PendingVerdict(
                attempt, chunks[attempt.chunk_id], self.variant, self.judge, self.profile, layout, previous
            )
            case.observations = self.run.observations(attempt.id)
            case.evidence = list(self.run.evidence(attempt.id).values())
            case.verdict = verdicts[attempt.id]
            self.cases[attempt.id] = case

    def _layout_of(self, row: int) -> TokenLayout | None:
        for epoch in reversed(self.run.epochs(row)):
            if epoch.layout is not None:
                return epoch.layout
        return None

    def _finish_scoring(self, rtfx: float | None) -> None:
        """Wait for what is not scored yet, and journal how far scoring was behind when the last chunk was spoken."""
        began, total = time.monotonic(), self.assessor.outstanding
        while self.assessor.outstanding:
            self.assessor.wait()
            left = self.assessor.outstanding
            self.tick("scoring", total - left, total, began, rtfx, "")
        behind = {"chunks": total, "seconds": time.monotonic() - began, "held_up": self.assessor.held_up}
        self.run.record_event(BEHIND, {"variant": self.variant.name, "jobs": self.assessor.jobs, **behind})

    def tick(self, stage: str, done: int, total: int, began: float, rtfx: float | None, chunk_id: str) -> None:
        """Tell whoever watches where the variant stands; ``began`` is the monotonic start of the stage (s)."""
        now = time.monotonic()
        if done == total or now - self._counted_at >= _COUNT_EVERY:  # every tick would count a long run over and over
            words = [case.verdict.word for case in self.cases.values() if case.verdict is not None]
            self._counts = words.count(VerdictWord.FAULTY), words.count(VerdictWord.NOT_JUDGED)
            self._counted_at = now
        self.progress.tick(
            Tick(
                variant=self.variant.name,
                stage=stage,
                done=done,
                total=total,
                faulty=self._counts[0],
                not_judged=self._counts[1],
                rtfx=rtfx,
                seconds=now - began,
                chunk_id=chunk_id,
            )
        )
