"""Score and judge attempts as they come: scoring processes, one judge, and the journal."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.core.errors import SoakError, StoreError
from harness.core.records import Attempt, Chunk, Detection, DetectorInput, Measurement, TokenLayout, Variant, Verdict
from harness.engine.executor import executor_of
from harness.engine.plan import Plan
from harness.engine.scoring import ROOMS, ScoreJob, ScoreResult, ScoringPool
from harness.scorers import SCORERS
from harness.store import Run
from harness.verdicts import VerdictPolicy
from harness.verdicts.policy import Own
from harness.verdicts.profile import Profile

SECOND_OPINION = "second_opinion"


@dataclass
class PendingVerdict:
    """One attempt on its way to a verdict."""

    attempt: Attempt
    chunk: Chunk
    variant: Variant
    judge: VerdictPolicy
    profile: Profile | None
    layout: TokenLayout | None
    previous: Chunk | None = None
    waiting: set[str] = field(default_factory=set)
    observations: dict[str, Measurement] = field(default_factory=dict)
    evidence: list[Detection] = field(default_factory=list)
    verdict: Verdict | None = None
    own: Own | None = None  # what the run's other chunks allow, once the session is over
    expected: Mapping[str, float] = field(default_factory=dict)  # and what they lead to expect of this text
    voice_embeddings: Mapping[str, Sequence[float]] = field(default_factory=dict)  # and the voice they have

    def view(self, replacing: Mapping[str, Measurement] | None = None) -> DetectorInput:
        """Return what the fault classes see.

        ``replacing`` swaps observations (a second recognizer's for the first's).
        """
        return DetectorInput(
            chunk=self.chunk,
            attempt=self.attempt,
            observations={**self.observations, **(replacing or {})},
            reference=self.profile.record(self.chunk) if self.profile is not None else None,
            previous=self.previous,
            layout=self.layout,
            voice=self.expected,
        )


def without_limits(verdict: Verdict) -> Verdict:
    """Return what is kept of a journalled verdict: the limits of a chunk that nothing is found in are not asked again.

    They would be a fifth of the memory that a chunk takes; what is faulty is journalled again once it was replayed.
    """
    return verdict if verdict.findings else replace(verdict, limits=())


class ScoringPipeline:
    """Feeds the scoring processes, gathers what they saw, judges when both rooms have answered, journals everything.

    All journal writes happen in the caller's thread, in ``collect`` and ``drain``: the store has one writer.
    """

    def __init__(self, run: Run, plan: Plan) -> None:
        self._run = run
        self._results: queue.Queue[ScoreResult | SoakError] = queue.Queue()
        self._cases: dict[int, PendingVerdict] = {}
        self._rooms: dict[str, tuple[str, ...]] = {}
        for room in ROOMS:
            names = tuple(name for name in plan.scorers if SCORERS.get(name).room == room)
            if names:
                self._rooms[room] = tuple(name for name in names if name != SECOND_OPINION)
        logs = run.path / "logs"
        try:
            logs.mkdir(exist_ok=True)
        except OSError as error:
            raise StoreError(f"{logs}: cannot be made ({error.strerror})") from None
        seats, self.jobs = executor_of(plan).seats(plan, logs) if self._rooms else ((), 0)
        self._pool = ScoringPool(seats, self.jobs, self._results.put, in_order=plan.stop_early)

    def warm(self) -> None:
        """Have scorers loaded that are going to be asked."""
        self._pool.warm()

    def submit(self, case: PendingVerdict) -> None:
        """Have an attempt scored; what a room has seen of it already is not asked for again."""
        assert case.attempt.id is not None
        self._cases[case.attempt.id] = case
        case.observations = {**self._run.observations(case.attempt.id), **case.observations}
        case.waiting = {room for room in self._rooms if not case.observations.keys() >= set(self._rooms[room])}
        if not case.waiting:
            self._results.put(ScoreResult("", case.attempt.id, ()))
        self._pool.speaking(True)
        if case.waiting:
            self._pool.submit(
                self._job(case, {room: self._rooms[room] for room in self._rooms if room in case.waiting})
            )

    def second_opinion(self, cases: Sequence[PendingVerdict]) -> None:
        """Run the second recognizer on these attempts; the observations are journalled and kept in the cases."""
        if "recognizer" not in self._rooms:
            return
        for case in cases:
            assert case.attempt.id is not None
            self._cases[case.attempt.id] = case
            case.waiting = {"recognizer"}
            self._pool.submit(self._job(case, {"recognizer": (SECOND_OPINION,)}))
        self.drain()

    @property
    def outstanding(self) -> int:
        """Return attempts not yet judged."""
        return len(self._cases)

    @property
    def held_up(self) -> float:
        """Return seconds that ``submit`` waited so far because too many attempts were queued."""
        return self._pool.held_up

    def collect(self) -> list[PendingVerdict]:
        """Journal and judge what has arrived; returns at once."""
        done: list[PendingVerdict] = []
        while True:
            try:
                done += self._take(self._results.get_nowait())
            except queue.Empty:
                return done

    def wait(self) -> list[PendingVerdict]:
        """Journal and judge the next result, waiting for it; returns what was completed by it.

        Raises SoakError once nothing is left that could score.
        """
        self._pool.speaking(False)
        return self._take(self._results.get())

    def drain(self) -> list[PendingVerdict]:
        """Wait until nothing is outstanding."""
        done: list[PendingVerdict] = []
        while self._cases:
            done += self.wait()
        return done

    def close(self, *, now: bool = False) -> None:
        """End all scoring processes; ``now`` drops what is queued."""
        if now:
            self._pool.kill()
        else:
            self._pool.close()

    def _job(self, case: PendingVerdict, rooms: Mapping[str, tuple[str, ...]]) -> ScoreJob:
        attempt = case.attempt
        return ScoreJob(
            attempt=attempt,
            chunk=case.chunk,
            audio=self._run.path / attempt.audio if attempt.audio else None,
            variant=case.variant,
            layout=case.layout,
            voice_embeddings=case.profile.voice_embeddings if case.profile is not None else case.voice_embeddings,
            rooms=rooms,
        )

    def _take(self, result: ScoreResult | SoakError) -> list[PendingVerdict]:
        if isinstance(result, SoakError):
            raise result
        case = self._cases[result.attempt_id]
        case.waiting.discard(result.room)
        case.observations.update({measurements.scorer: measurements for measurements in result.observations})
        with self._run.together():  # one wait for the disk instead of three
            if result.observations:
                self._run.record_observations(result.attempt_id, result.observations)
            if case.waiting:
                return []
            del self._cases[result.attempt_id]
            if case.verdict is None:
                self._judge(case)
        return [case]

    def _judge(self, case: PendingVerdict) -> None:
        assert case.attempt.id is not None
        view = case.view()
        case.evidence = case.judge.evidence(view)
        case.verdict = case.judge.verdict(view, case.evidence, case.own)
        self._run.record_evidence(case.attempt.id, case.evidence)
        self._run.record_verdict(case.attempt.id, case.verdict, case.judge.limits.key)
        case.verdict = without_limits(case.verdict)
