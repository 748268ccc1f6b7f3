"""What a search came to, as the record that is written, shown, and read by a bundle."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from harness.causes.shrink.search import Smallest
from harness.causes.target import CauseTarget
from harness.core.records import Json
from harness.stats import clopper_pearson

WORDS = {"text": "the text", "seed": "the seed", "history": "what was spoken before"}


class _Stored(BaseModel):
    model_config = ConfigDict(strict=False, extra="ignore", frozen=True)


class ShownRate(_Stored):
    """In how many of the tries it was shown, with its exact interval (Clopper-Pearson, 95%)."""

    count: int
    total: int
    low: float
    high: float

    @classmethod
    def of(cls, counts: tuple[int, int] | None) -> ShownRate | None:
        """Return the rate of (shown, tried), None where nothing was tried."""
        return cls(count=counts[0], total=counts[1], **_interval(*counts)) if counts is not None else None

    def __str__(self) -> str:
        return f"{self.count} of {self.total} ({self.low:.0%} to {self.high:.0%})"


class SpokenText(_Stored):
    """One text as it was asked for."""

    id: str
    text: str
    language: str = "en"
    expected: str = ""
    seed: int | None = None

    def row(self) -> Json:
        """Return the entry of a corpus (.jsonl)."""
        row: Json = {"id": self.id, "text": self.text, "language": self.language}
        return {**row, "expected": self.expected} if self.expected else row


class StepTest(_Stored):
    """A sequential test of one rate of failures against another, with its error rates."""

    good: float
    bad: float
    alpha: float
    beta: float


class ShrinkOutcome(_Stored):
    """The smallest input that shows a finding. ``fails``: the command was checked to judge it faulty by itself."""

    run: str
    variant: str
    fault: str
    original: SpokenText
    smallest: SpokenText
    earlier: list[SpokenText]
    bound_to: str
    complete: bool  # False: the minutes were over before
    rate: ShownRate | None
    rate_before: ShownRate | None
    test: StepTest | None  # of each step, where a rate decides
    requests: int
    questions: int
    seconds: float
    command: str = ""
    fails: bool = False
    why_not: str = ""

    @property
    def sentence(self) -> str:
        """Return what was found out, in one sentence."""
        words = len(self.smallest.text.split())
        before = f" after {len(self.earlier)} earlier chunks" if self.earlier else ""
        seed = f" with seed {self.smallest.seed}" if self.bound_to == "seed" and self.smallest.seed is not None else ""
        rate = f"; other seeds show it in {self.rate}" if self.rate is not None and self.bound_to != "history" else ""
        more = "" if self.complete else "; the minutes were over, it may be smaller still"
        size = f"{words} of {len(self.original.text.split())} words"
        return f"{self.fault} is bound to {WORDS[self.bound_to]}: {size}{before}{seed} show it{rate}{more}"


def outcome_of(
    target: CauseTarget, best: Smallest, complete: bool, requests: int, questions: int, seconds: float
) -> ShrinkOutcome:
    """Return the record of a search; the command is added when its files are written."""
    chunk, test = best.chunk, best.test
    return ShrinkOutcome(
        run=target.run_id,
        variant=target.variant,
        fault=target.finding.fault,
        original=_text(target.chunk.text, target, target.attempt.seed),
        smallest=_text(chunk.text, target, best.seed, chunk.expected),
        earlier=[
            SpokenText(
                id=one.chunk.id,
                text=one.chunk.text,
                language=one.chunk.language,
                expected=one.chunk.expected,
                seed=one.seed,
            )
            for one in best.earlier
        ],
        bound_to=best.bound_to,
        complete=complete,
        rate=ShownRate.of(best.rate),
        rate_before=ShownRate.of(best.rate_before),
        test=StepTest(good=test.good, bad=test.bad, alpha=test.alpha, beta=test.beta) if test is not None else None,
        requests=requests,
        questions=questions,
        seconds=round(seconds, 1),
    )


def _text(text: str, target: CauseTarget, seed: int | None, expected: str | None = None) -> SpokenText:
    chunk = target.chunk
    return SpokenText(
        id=chunk.id,
        text=text,
        language=chunk.language,
        expected=chunk.expected if expected is None else expected,
        seed=seed,
    )


def _interval(count: int, total: int) -> dict[str, float]:
    low, high = clopper_pearson(count, total)
    return {"low": low, "high": high}


def outcome_lines(outcome: ShrinkOutcome) -> list[str]:
    """Return the outcome for a terminal, at most ten lines."""
    lines = [outcome.sentence, f"smallest: {outcome.smallest.text}"]
    if outcome.earlier:
        lines.append(f"after:    {', '.join(one.id for one in outcome.earlier)}")
    if outcome.test is not None:
        test = outcome.test
        lines.append(
            f"each step: a sequential test of a rate of {test.good:.1%} against {test.bad:.1%}, "
            f"error rates {test.alpha:.0%} and {test.beta:.0%}"
        )
    lines.append(f"requests: {outcome.requests} in {outcome.seconds:.0f} s")
    lines.append(
        f"fails:    {outcome.command}" if outcome.fails else f"command:  {outcome.command} ({outcome.why_not})"
    )
    return lines


def outcome_table(outcome: ShrinkOutcome) -> str:
    """Return the outcome in Markdown, for the run's page."""
    rows: Sequence[tuple[str, str]] = [
        ("fault", outcome.fault),
        ("bound to", WORDS[outcome.bound_to]),
        ("smallest text", outcome.smallest.text),
        ("original text", outcome.original.text),
        ("after these chunks", "; ".join(f"{one.id}: {one.text}" for one in outcome.earlier) or "-"),
        ("seed", str(outcome.smallest.seed)),
        ("shown with other seeds", str(outcome.rate or "-")),
        ("the whole text", str(outcome.rate_before or "-")),
        ("requests", str(outcome.requests)),
        ("command", outcome.command),
    ]
    cells = [f"| {name} | {' '.join(value.split()).replace('|', chr(92) + '|')} |" for name, value in rows]
    return "\n".join([f"**{outcome.variant}**", "", "| what | found |", "| --- | --- |", *cells])
