"""From what length on? Texts of doubling length in one session, with the growth of time and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from harness.core.errors import SoakError
from harness.core.records import Arm, Attempt, Chunk, Claim, Outcome, Variant, Verdict, VerdictWord
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.experiments.ladder.claims import (
    LadderMargins,
    LadderResult,
    LengthStep,
    exponent,
    first_lengths,
    growth_exponents,
    length_claims,
    length_table,
)
from harness.experiments.limits import suite_limits
from harness.experiments.stage import ExperimentRun, write_results
from harness.stats import proportion
from harness.store import Run
from harness.text import count_words

__all__ = ["exponent", "first_lengths", "length_in_words", "run_ladder"]

_ENDED = {Outcome.CRASH: "crash", Outcome.HANG: "hang", Outcome.TIMEOUT: "hang"}
_CUT = ("truncation",)  # classes of faults that say that the end is missing


def run_ladder(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak the ladder with each variant; short texts get several takes. Records claims and the table."""
    margins = suite_limits(LadderMargins, plan.experiment, "ladder")
    results: dict[str, LadderResult] = {}
    claims: list[Claim] = []
    with ExperimentRun(plan, progress, resume) as stage:
        for variant in plan.variants:
            soak = stage.soak(variant)
            try:
                soak.speak()
                _takes(stage, variant, margins.takes_short, margins.short_words)
            except SoakError as error:
                stage.lost(variant, error)
                continue
            steps = length_metrics(stage.run, variant, plan.chunks(variant))
            result = LadderResult(steps, growth_exponents(steps, margins), first_lengths(steps))
            results[variant.name] = result
            claims += length_claims(variant.name, steps, result.exponents, margins)
        write_results(stage.run, claims, results, length_table(results))
        return stage.run.path


def length_in_words(chunk: Chunk) -> int:
    """Return the length of a text in words, as its tag of the ladder says, else counted."""
    tagged = [tag.removeprefix("words-") for tag in chunk.tags if tag.startswith("words-")]
    return int(tagged[0]) if tagged else count_words(chunk.expected_text)


def _takes(stage: ExperimentRun, variant: Variant, takes: int, short: int) -> None:
    chunks = [chunk for chunk in stage.plan.chunks(variant) if length_in_words(chunk) <= short]
    stage.speak_takes(variant, "short-take", range(1, takes), {}, chunks)
    stage.assessor.drain()


def length_metrics(run: Run, variant: Variant, chunks: Sequence[Chunk]) -> list[LengthStep]:
    """Return one row a length, in words, rising: how many were spoken, faulty and dead, and what they took."""
    lengths = {chunk.id: length_in_words(chunk) for chunk in chunks}
    verdicts = run.verdicts(variant=variant.name)
    by_length: dict[int, list[Attempt]] = {}
    for attempt in run.attempts(variant=variant.name):
        if attempt.arm in (Arm.SOAK, "short-take"):
            by_length.setdefault(lengths[attempt.chunk_id], []).append(attempt)
    return [_step(words, rows, verdicts) for words, rows in sorted(by_length.items())]


def _step(words: int, attempts: Sequence[Attempt], verdicts: Mapping[int, Verdict]) -> LengthStep:
    judged = [v for a in attempts if a.id is not None and (v := verdicts.get(a.id)) is not None]
    judged = [verdict for verdict in judged if verdict.word.judged]
    faulty = [verdict for verdict in judged if verdict.word is VerdictWord.FAULTY]
    short = {a.id for a in attempts if a.id is not None and _cut(verdicts.get(a.id))}
    timed = [(a.duration, a.wall_seconds) for a in attempts if a.duration and a.wall_seconds]
    # of a server only the time of the request is known
    compute = [
        a.cpu_seconds if a.cpu_seconds is not None else a.wall_seconds for a in attempts if a.outcome is Outcome.OK
    ]
    return LengthStep(
        words=words,
        attempts=len(attempts),
        spoken=sum(a.outcome is Outcome.OK for a in attempts),
        crash=sum(_ENDED.get(a.outcome) == "crash" for a in attempts),
        hang=sum(_ENDED.get(a.outcome) == "hang" for a in attempts),
        silent=sum(a.outcome is not Outcome.OK and a.outcome not in _ENDED for a in attempts),
        said=next((a.detail for a in attempts if a.outcome is not Outcome.OK), ""),
        cut=sum(a.finish_reason == "length" or a.id in short for a in attempts),
        faulty=proportion(len(faulty), len(judged)),
        classes=sorted({f.fault for verdict in faulty for f in verdict.findings if f.confirmed is not False}),
        tokens=_median([a.token_count for a in attempts]),
        seconds=_median([a.duration for a in attempts]),
        cpu_seconds=_median(compute),
        memory=max((a.peak_rss_bytes for a in attempts if a.peak_rss_bytes is not None), default=None),
        rtfx=sum(d for d, _ in timed) / sum(c for _, c in timed) if timed else None,
    )


def _cut(verdict: Verdict | None) -> bool:
    return verdict is not None and any(f.fault in _CUT and f.confirmed is not False for f in verdict.findings)


def _median(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return float(median(present)) if present else None
