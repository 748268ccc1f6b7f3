"""The runs as a list that tells them apart: suite, corpus, variants, verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.errors import ConfigError, StoreError
from harness.report.headline import headlines
from harness.report.summary import read_summary
from harness.store import Run, RunInfo

_SHOWN = 4  # variants by name


@dataclass(frozen=True, slots=True)
class Listed:
    """One run of the list. ``problem`` says why nothing more is known of it."""

    run_id: str
    state: str
    suite: str = "-"
    corpus: str = "-"
    variants: str = "-"
    verdict: str = "-"
    megabytes: float = 0.0
    problem: str = ""


def listed(info: RunInfo) -> Listed:
    """Return one line for a run, whatever state it is in."""
    state = "crashed (can be resumed)" if info.crashed else (info.status or "unreadable")
    megabytes = info.disk_bytes / 1e6
    if info.problem:
        return Listed(info.run_id, state, megabytes=megabytes, problem=info.problem)
    try:
        with Run.open(info.path) as run:
            names, suite = run.variant_names, run.suite
            corpus = f"{run.corpus_name} ({len(run.chunks)})"
    except (StoreError, KeyError, TypeError) as problem:
        return Listed(info.run_id, state, megabytes=megabytes, problem=str(problem))
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return Listed(info.run_id, state, suite, corpus, shown, _verdict(info), megabytes)


def _verdict(info: RunInfo) -> str:
    """Return the verdicts of the report, one where all are alike."""
    try:
        summary = read_summary(info.path / "summary.json")
    except ConfigError:
        return "no report"
    words = {name: headline.word.value for name, headline in headlines(summary).items()}
    if not words:
        return "no claim"
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return ", ".join(f"{name} {word}" for name, word in words.items())


def listing_table(rows: Sequence[Listed]) -> list[str]:
    """Return the list for a terminal, columns as wide as what is in them."""
    heads = ("run", "state", "suite", "corpus", "variants", "verdict", "MB")
    cells = [
        (row.run_id, row.state, row.suite, row.corpus, row.variants, row.problem or row.verdict, f"{row.megabytes:.1f}")
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [heads, *cells]) for column in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [heads, *cells]
    ]
