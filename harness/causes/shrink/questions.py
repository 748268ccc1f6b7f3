"""Questions to a living backend, asked in fresh processes, journalled, and never asked a second time."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from harness.causes.budget import Budget
from harness.causes.standard import RunStandard
from harness.causes.target import Earlier
from harness.core.errors import ConfigError
from harness.core.records import Attempt, Chunk, TokenLayout
from harness.engine.assessor import SECOND_OPINION, PendingVerdict
from harness.engine.session import PlannedRequest
from harness.engine.soak import Soak

ARM, BEFORE = "shrink", "shrink-history"
_FIRST_TAKE = 100_000  # takes below are the places of a history


@dataclass(frozen=True)
class Question:
    """A text with seeds to try it with, one after the other in one process that spoke ``earlier`` before."""

    chunk: Chunk
    seeds: tuple[int | None, ...]
    earlier: tuple[Earlier, ...] = ()
    again: int = 0  # the same question once more, of another process

    @property
    def digest(self) -> str:
        """Return the identity of the question: 24 hex digits over all that is asked."""
        before = [[one.chunk.id, one.chunk.text, one.seed] for one in self.earlier]
        rows = [self.chunk.id, self.chunk.text, self.chunk.language, self.seeds, before, self.again]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:24]

    def requests(self) -> list[PlannedRequest]:
        """Return what is asked of the backend, in order."""
        before = [PlannedRequest(e.chunk, take=n, seed=e.seed, arm=BEFORE) for n, e in enumerate(self.earlier)]
        tries = enumerate(self.seeds, _FIRST_TAKE)
        return before + [PlannedRequest(self.chunk, take=n, seed=seed, arm=ARM) for n, seed in tries]


@dataclass
class Asker:
    """Asks questions of one variant by way of its soak, and judges the answers by the standard of the run."""

    soak: Soak
    standard: RunStandard
    fault: str
    budget: Budget = field(default_factory=Budget)

    def shows(self, question: Question) -> bool:
        """Return whether the first try of a question shows the fault; what cannot be judged does not."""
        with contextlib.closing(self.tries(question)) as answers:
            return next(answers, None) is True

    def tries(self, question: Question) -> Generator[bool | None]:
        """Yield for each seed whether the fault shows, None where that could not be judged; ask no further than read.

        Raises BudgetSpent before the first request, ConfigError for a backend that is away.
        """
        with contextlib.closing(self.cases(question)) as cases:
            for case in cases:
                yield self._answer(case) if case is not None else None

    def cases(self, question: Question) -> Generator[PendingVerdict | None]:
        """Yield the scored attempt of each seed; None where the process with the history ended before it came to it."""
        turns, details = question.requests(), self._details(question)
        before = question.earlier[-1].chunk if question.earlier else None
        count, epoch = 0, None
        with contextlib.closing(self.soak.speak_apart(ARM, turns, details)) as spoken:
            for attempt, _, layout in spoken:
                epoch = attempt.epoch if epoch is None else epoch
                if attempt.arm == ARM:
                    count += 1
                    whole = not question.earlier or attempt.epoch == epoch
                    yield self._scored(attempt, question.chunk, layout, before) if whole else None
        if count < len(question.seeds):
            raise ConfigError(f"{self.soak.variant.name}: {self.soak.gone or 'the backend could not be asked'}")

    def _details(self, question: Question) -> dict[str, object]:
        """Which session answers: the one begun already, unless its process is gone in the midst of a history."""
        self.budget.check()
        run, ids = self.soak.run, [turn.chunk.id for turn in question.requests()]
        rows = {(row.chunk_ids, json.dumps(row.details, sort_keys=True)): row.id for row in run.sessions()}
        part = 0
        while True:
            details: dict[str, object] = {"question": question.digest, "part": part}
            session = rows.get((tuple(ids), json.dumps(details, sort_keys=True)))
            if session is None:
                told = {"text": question.chunk.text, "earlier": [one.chunk.id for one in question.earlier]}
                run.record_event("question", {**details, **told, "seeds": len(question.seeds)})
                return details
            if not question.earlier or any(one.arm == ARM for one in run.attempts(session=session)):
                return details
            part += 1

    def _scored(
        self, attempt: Attempt, chunk: Chunk, layout: TokenLayout | None, previous: Chunk | None
    ) -> PendingVerdict:
        case = self.soak.submit(attempt, chunk, layout, previous)
        self.soak.assessor.drain()
        assert attempt.id is not None
        self.soak.cases.pop(attempt.id)
        return case

    def _answer(self, case: PendingVerdict) -> bool | None:
        judged = self.standard.judge(case)
        if judged.shows(self.fault):
            return not self.standard.by_ear(self.fault) or self._second_agrees(case)
        return None if self.fault in judged.unjudged else False

    def _second_agrees(self, case: PendingVerdict) -> bool:
        """Whether the second recognizer, where there is one, hears too that the words are wrong."""
        if SECOND_OPINION not in self.soak.plan.scorers:
            return True
        if SECOND_OPINION not in case.observations:
            self.soak.assessor.second_opinion([case])
        other = case.observations.get(SECOND_OPINION)
        if other is None or not other.payload:
            return True
        findings = self.standard.judge(case, {"intelligibility": other}).findings
        return any(self.standard.by_ear(finding.fault) for finding in findings)


def shown_count(answers: Sequence[bool | None]) -> tuple[int, int]:
    """Return (shown, judged) of some tries."""
    return sum(answer is True for answer in answers), sum(answer is not None for answer in answers)
