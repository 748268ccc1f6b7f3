"""Stop a session as soon as its fault rate is known, and keep the decision in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from harness.engine.assessor import PendingVerdict
from harness.engine.progress import Progress
from harness.store import Run
from harness.verdicts import Limits
from harness.verdicts.claims import ChunkResult
from harness.verdicts.claims.early import EarlyStop, Stopped, StoppedRecord
from harness.verdicts.claims.rows import Margins
from harness.verdicts.profile import Profile

EVENT = "stopped early"


class Early:
    """Asked before each chunk of one variant's session. Once it has decided it stays decided, also on resume.

    The decision rests on verdicts as they come; replays may refute a fault later, which does not undo it.
    """

    def __init__(self, run: Run, variant: str, test: EarlyStop, progress: Progress) -> None:
        self._run, self._variant, self._test, self._progress = run, variant, test, progress
        before = [event.data for event in run.events(EVENT) if event.data["variant"] == variant]
        self.decided: Stopped | None = Stopped.from_json(cast(StoppedRecord, before[0])) if before else None

    def __call__(self, cases: Sequence[PendingVerdict]) -> bool:
        """Whether what is judged so far is enough; the first time it is, that is journalled and said."""
        if self.decided is None:
            self.decided = self._test.look(case.verdict for case in cases)
            if self.decided is not None:
                reason = self.decided.sentence()
                self._run.record_event(EVENT, {"variant": self._variant, "reason": reason, **self.decided.to_json()})
                self._progress.say(f"{self._variant}: {reason}")
        return self.decided is not None

    def spoken(self, rows: list[ChunkResult]) -> list[ChunkResult]:
        """Return the rows that the claims are about.

        Chunks that were never spoken because of the decision are not among them.
        """
        return rows if self.decided is None else [row for row in rows if row.verdict is not None]


def early_test(limits: Limits, profile: Profile | None, margins: Mapping[str, object]) -> EarlyStop:
    """Return the test as it is decided on before the first chunk: null rate by calibration and reference."""
    fitted = limits.fitted
    rates = [fitted["budget"]] if "budget" in fitted else []
    held_out = fitted.get("held_out", {})
    if judged := held_out.get("judged", 0):
        rates.append(held_out.get("faulty", 0) / judged)
    return EarlyStop.of(Margins.read(margins), max(rates, default=None), profile)
