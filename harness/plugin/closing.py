"""What a session prints and keeps at its end: tables, where the reports are, the night."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness import terminal
from harness.core.printable import printable
from harness.plugin.night import Night

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from harness.report.nights import NightRecord
    from harness.report.summary import CorpusFigures, RunSummary


def unjudged(summary: RunSummary) -> list[str]:
    """Return variants that were asked to speak and of which no chunk has a verdict."""
    return [name for name, row in summary.variants.items() if row.chunks and not row.judged]


def _corpus(corpus: CorpusFigures) -> str:
    """Return the corpus by its name; a file of the user's own by the file's, which no built-in one has."""
    from harness.corpora.builtin import builtin_names

    source = Path(corpus.source or "")
    built_in = corpus.name in builtin_names() and source.suffix == ".jsonl" and source.parent.name == "corpora"
    return corpus.name if built_in or not source.suffix else source.name


def summary(terminalreporter: TerminalReporter, suite: str, found: RunSummary, run: Path) -> None:
    """Print the table of a soak, what a stranger asks next, and where its report is."""
    terminalreporter.section(f"{suite}: {_corpus(found.corpus)}")
    terminalreporter.write_line(terminal.verdict_table(found, terminalreporter._tw.fullwidth))
    for text in terminal.closing_lines(found):
        terminalreporter.write_line(text)
    blind = unjudged(found)
    if blind:
        who = "the backend" if len(found.variants) == 1 else ", ".join(blind)
        terminalreporter.write_line(f"NOTHING WAS JUDGED: this run says nothing about {who}", red=True)
    terminalreporter.write_line(f"report: {run / 'report.html'}")
    if os.environ.get("GITHUB_ACTIONS"):
        from harness.report.exports import github_annotations, write_markdown

        write_markdown(found)
        for text in github_annotations(found):
            terminalreporter.write_line(text)


def experiment(terminalreporter: TerminalReporter, suite: str, table: str, run: Path, decided: int) -> None:
    """Print the table of an experiment, and where its results are; in a GitHub job into the job's summary too."""
    terminalreporter.section(suite)
    terminalreporter.write_line(printable(table))
    if not decided:
        terminalreporter.write_line("NOTHING WAS DECIDED: this run says nothing about the backend", red=True)
    terminalreporter.write_line(f"results: {run / 'results.md'}")
    terminalreporter.write_line(f"report: {run / 'report.html'}")
    if os.environ.get("GITHUB_ACTIONS"):
        from harness.report.exports import to_step_summary

        to_step_summary(f"### {suite}\n\n{table}\n")


def keep_night(night: Night, code: int, reports: Path) -> None:
    """Keep what the night found, draw the page over all runs with it on top, and write its figures for Prometheus."""
    from datetime import UTC, datetime

    from harness.report.exporters import open_run
    from harness.report.exporters.prometheus import USUAL, write_metrics
    from harness.report.nights import write_night
    from harness.report.trend import render_index

    write_night(reports, night_record(night, code))
    render_index(reports)
    night_figures = {"night_exit_code": float(code), "night_seconds": sum(night.seconds.values())}
    night_figures["night_ended_timestamp_seconds"] = datetime.now(UTC).timestamp()
    write_metrics([open_run(path) for path in night.runs.values()], reports / USUAL, night_figures)


def night_record(night: Night, code: int) -> NightRecord:
    """Return the night as plain JSON: its exit code and why, its runs, and what was compared."""
    from datetime import UTC, datetime

    return {
        "began_utc": night.began.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ended_utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "quick": night.plan.quick,
        "exit": code,
        "gate": night.gates.gate,
        "baseline": night.baseline.name if night.baseline is not None else None,
        "suites": [
            {
                "suite": suite,
                "run": night.runs[suite].name if suite in night.runs else None,
                "problem": night.problems.get(suite, ""),
                "seconds": round(night.seconds[suite], 1) if suite in night.seconds else None,
                "gate": part.gate,
            }
            for suite, part in night.plan.parts.items()
        ],
        "failed": night.failed,
        "reported": night.reported,
    }


def print_night(terminalreporter: TerminalReporter, found: Night, reports: Path) -> None:
    """Print the night in a few lines: what fails it, what is reported only, what was compared with what."""
    from harness.report.baseline import comparison_lines

    terminalreporter.section("the night")
    for suite, result in found.results.items():
        terminalreporter.write_line(f"{suite}:")
        for text in comparison_lines(result):
            terminalreporter.write_line(f"  {text}")
    for suite, problem in found.problems.items():
        terminalreporter.write_line(f"could not be run: {suite}: {problem}", red=True)
    for text in found.reported:
        terminalreporter.write_line(f"reported only: {text}")
    for text in found.failed:
        terminalreporter.write_line(f"FAILS: {text}", red=True)
    minutes = sum(found.seconds.values()) / 60
    terminalreporter.write_line(
        f"{len(found.runs)} of {len(found.plan.parts)} suites run, in {minutes:.1f} min; page: {reports / 'index.html'}"
    )
