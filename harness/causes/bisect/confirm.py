"""Hear a set on texts that the search has not used; one that is not confirmed gives way to the next larger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.causes.bisect.listening import HeardOutcome
from harness.causes.bisect.search import Restored
from harness.causes.bisect.verdict import BisectReport
from harness.core.records import Chunk

Hear = Callable[[Restored, str, Sequence[Chunk]], dict[str, HeardOutcome]]  # set, arm, texts -> voice -> outcome


def confirm(report: BisectReport, rounds: Sequence[Sequence[Chunk]], hear: Hear) -> None:
    """Hear the audible set on new texts, and larger ones until one is within the margin or no texts are left.

    Each set has texts of its own: those on which one was refused have become part of the search. The last set that was
    heard is the report's; those before it are its ``unconfirmed`` ones. Raises BudgetSpent.
    """
    order = [names for names, _ in report.search.candidates]
    start = order.index(report.audible) if report.audible in order else len(order)
    for number, (names, texts) in enumerate(zip(order[start:], rounds, strict=False), 1):
        outcomes = hear(names, "verify" if number == 1 else f"verify-{number}", texts)
        if number > 1 and report.audible is not None:
            report.unconfirmed.append((report.audible, report.verified))
        report.audible, report.verified = names, outcomes
        if report.verification is not False:
            return
