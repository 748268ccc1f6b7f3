"""When a run may stop: a sequential test of the fault rate, decided on before the first chunk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from harness.core.records import Verdict, VerdictWord
from harness.stats import Sprt, Stop
from harness.verdicts.claims.rows import Margins, Reference


class StoppedRecord(TypedDict):
    """Why a run stopped, as its journal has it."""

    answer: str
    faulty: int
    judged: int
    good: float
    bad: float
    alpha: float
    beta: float
    null: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a run stopped before its last chunk."""

    answer: Stop
    faulty: int
    judged: int
    test: Sprt
    null: str  # where the rate of a healthy backend comes from

    def sentence(self) -> str:
        """Return one line with the figures and the error rates."""
        rate = f"at most {self.test.good:.1%}" if self.answer is Stop.GOOD else f"at least {self.test.bad:.1%}"
        return (
            f"stopped early: {self.faulty} of {self.judged} judged chunks are faulty, so the fault rate is taken to be "
            f"{rate} (sequential probability ratio test of {self.test.good:.1%}, {self.null}, against "
            f"{self.test.bad:.1%}; wrong in at most {self.test.alpha:.0%} of backends as good and {self.test.beta:.0%} "
            f"of backends as bad as that)"
        )

    @classmethod
    def from_json(cls, data: StoppedRecord) -> Stopped:
        """Return the inverse of ``to_json``."""
        test = Sprt(data["good"], data["bad"], data["alpha"], data["beta"])
        return cls(Stop(data["answer"]), data["faulty"], data["judged"], test, data["null"])

    def to_json(self) -> StoppedRecord:
        """Return the record for the journal."""
        return {
            "answer": self.answer.value,
            "faulty": self.faulty,
            "judged": self.judged,
            "good": self.test.good,
            "bad": self.test.bad,
            "alpha": self.test.alpha,
            "beta": self.test.beta,
            "null": self.null,
        }


@dataclass(frozen=True)
class EarlyStop:
    """The test of one variant."""

    test: Sprt
    null: str

    @classmethod
    def of(cls, margins: Margins, calibrated: float | None, reference: Reference | None) -> EarlyStop:
        """Make the test; its null rate is the largest of: the margin's, the calibrated false-alarm rate, the
        reference's own rate.

        A smaller one would call a healthy backend bad, because its false alarms alone pass for faults.
        """
        rates = {"the suite's limit": margins.stop_good}
        if calibrated is not None:
            rates["the calibrated false-alarm rate"] = calibrated
        if reference is not None and (judged := reference.totals.get("judged", 0)):
            rates["the reference's own fault rate"] = reference.totals.get("faulty", 0) / judged
        null = max(rates, key=lambda name: rates[name])
        good = min(rates[null], 0.5)
        return cls(Sprt(good, good + margins.stop_excess, margins.stop_alpha, margins.stop_beta), null)

    def look(self, verdicts: Iterable[Verdict | None]) -> Stopped | None:
        """Return what the judged chunks say, in order of speaking up to the first whose verdict is not there yet."""
        faulty = judged = 0
        for verdict in verdicts:
            if verdict is None:
                return None
            if not verdict.word.judged:
                continue
            faulty, judged = faulty + (verdict.word is VerdictWord.FAULTY), judged + 1
            answer = self.test.decide(faulty, judged)
            if answer is not Stop.GO_ON:
                return Stopped(answer, faulty, judged, self.test, self.null)
        return None
