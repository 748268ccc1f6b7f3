"""What was recorded: runs, reports, marks, baselines, trends."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.common import REPORTS, RUN, become_pytest, main, run_path
from harness.core.errors import ConfigError
from harness.core.printable import printable_line
from harness.engine.night import PLAN, NightPlan


@main.command("runs")
@REPORTS
def runs_command(reports: Path) -> None:
    """List the runs: suite, corpus, variants, verdict, and the disk they take."""
    from harness.report.listing import listed, listing_table
    from harness.store import list_runs as all_runs

    if reports.exists() and not reports.is_dir():
        raise ConfigError(f"{reports}: not a folder of runs")
    runs = all_runs(reports)
    if runs:
        for line in listing_table([listed(info) for info in runs]):
            click.echo(line)
    click.echo(f"{len(runs)} runs, {sum(info.disk_bytes for info in runs) / 1e6:.1f} MB in {reports}")


@main.command("prune")
@click.option("--keep", type=click.IntRange(min=0), required=True, help="how many of the newest runs stay whole")
@click.option("--audio-only", is_flag=True, help="delete only the audio of older runs, keep their figures")
@REPORTS
def prune_command(keep: int, audio_only: bool, reports: Path) -> None:
    """Delete old runs (never one that is being written)."""
    from harness.store import prune_runs as prune_runs

    gone = prune_runs(reports, keep, audio_only=audio_only)
    for item in gone:
        click.echo(f"pruned {item}")
    click.echo(f"{len(gone)} runs pruned")


@main.command()
@RUN
@REPORTS
def verify(run: str | None, reports: Path) -> None:
    """Check that every acknowledged attempt of a run is there once and its audio unchanged."""
    path = run_path(run, reports)
    from harness.store import Run

    with Run.open(path) as opened:
        problems = opened.verify()
        count = len(opened.attempts())
    for problem in problems:
        click.echo(printable_line(problem))
    click.echo(f"{path.name}: {count} attempts, {len(problems)} problems")
    if problems:
        sys.exit(1)


@main.command()
@click.argument("run_ids", nargs=-1)
@click.option("--single-file", is_flag=True, help="also report-single.html, which holds pictures and audio")
@click.option("--tables", is_flag=True, help="also scores.jsonl and scores.csv, one attempt a row")
@click.option("--markdown", is_flag=True, help="also summary.md and model-card.md; appends to $GITHUB_STEP_SUMMARY")
@REPORTS
def report(run_ids: tuple[str, ...], single_file: bool, tables: bool, markdown: bool, reports: Path) -> None:
    """Write summary.json and report.html of runs again, from the store alone (default: the latest)."""
    from harness.report import write
    from harness.report.exports import model_card, write_markdown, write_tables

    for run_id in run_ids or (None,):
        path = run_path(run_id, reports)
        summary = write(path, single_file=single_file)
        click.echo(path / "report.html")
        if single_file:
            click.echo(path / "report-single.html")
        if tables:
            for paths in write_tables(path):
                click.echo(paths)
        if markdown:
            (path / "model-card.md").write_text(model_card(summary), encoding="utf-8", errors="backslashreplace")
            for paths in [*write_markdown(summary, path / "summary.md"), path / "model-card.md"]:
                click.echo(paths)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@REPORTS
def marks(file: Path, reports: Path) -> None:
    """Keep the marks that a report saved, and print what they say of each fault class's false alarms."""
    from harness.report import marks as of_report
    from harness.report import write
    from harness.store import Run

    path = run_path(of_report.parse_marks(file)[0], reports)
    with Run.open(path) as run:
        kept = of_report.store_marks(file, run)
        judged = sum(verdict.word.judged for verdict in run.verdicts(arm="soak").values())
        rows, alarms = of_report.mark_counts(run, kept), of_report.false_alarms(run, kept)
    for line in of_report.mark_lines(rows, judged, alarms):
        click.echo(printable_line(line))
    write(path)
    click.echo(f"{len(kept)} marks are kept in {path / of_report.STORED} and shown in its report")


@main.group()
def baseline() -> None:
    """Keep runs that later runs are compared with, as small files under reports/baselines/."""


@baseline.command("set")
@RUN
@click.option("--name", default="main", show_default=True, help="what the baseline is called")
@REPORTS
def baseline_set(run: str | None, name: str, reports: Path) -> None:
    """Promote a finished run (default: the latest) to a baseline."""
    from harness.report.baseline import promote

    click.echo(promote(run_path(run, reports), name, reports))


@main.command("compare")
@RUN
@click.argument("other", required=False)
@click.option("--variant", default=None, metavar="A[=B]", help="which variant of RUN with which of OTHER")
@click.option("--baseline", "name", default=None, help="compare with this baseline too, not only with earlier runs")
@click.option(
    "--limits",
    type=click.Path(path_type=Path),
    default=None,
    help="margins (default: suites/nightly/limits.toml)",
)
@REPORTS
def compare_command(
    run: str | None, other: str | None, variant: str | None, name: str | None, limits: Path | None, reports: Path
) -> None:
    """Compare RUN with OTHER, side by side; without OTHER with a baseline and the runs before it.

    Exit code 1 when a gate fails or nothing was judged.
    """
    from harness.report.baseline import compare_with_baseline, comparison_lines, gates_of, read_baseline

    gates = gates_of(limits)
    if other is not None:
        from harness.report.side_by_side import beside

        page = beside(run_path(run, reports), run_path(other, reports), gates, variant)
        words = {False: "FAILS", None: "open", True: "ok"}
        for claim in page.claims:
            click.echo(f"{words[claim.passed]:<6}{claim.variant}: {claim.name}: {claim.statement}")
        click.echo(f"on {page.common} texts in common; page: {page.page}")
        if gates.gate and any(claim.passed is False for claim in page.claims):
            sys.exit(1)
        return
    base = read_baseline(name, reports) if name else None
    result = compare_with_baseline(run_path(run, reports), base, reports, gates)
    for line in comparison_lines(result):
        click.echo(line)
    if result["failed"]:
        sys.exit(1)


@main.command()
@REPORTS
def trend(reports: Path) -> None:
    """Write index.html over all runs: each figure with its intervals, steps found and dated, links."""
    from harness.report.trend import render_index

    click.echo(render_index(reports))


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--plan", type=click.Path(path_type=Path), default=PLAN, help="what a night runs (TOML)")
@click.option("--quick", is_flag=True, help="its small size: whether everything is connected")
@click.option("--ray", metavar="ADDRESS", help="speak and score on this Ray cluster: auto, or HOST:PORT")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def nightly(plan: Path, quick: bool, ray: str | None, arguments: tuple[str, ...]) -> None:
    """Run the suites of a night in one pytest session, compare, and gate; ARGUMENTS go to pytest.

    Exit codes are pytest's: 0 fine, 1 a claim failed or nothing was judged, 2 interrupted, 3 the harness failed,
    4 wrong use, 5 nothing selected.
    """
    night = NightPlan.load(plan, quick)
    files = [str(file) for file in night.files()]
    more = [*(["--night-quick"] if quick else []), *(["--ray", ray] if ray is not None else [])]
    become_pytest([*files, "--nightly", str(plan), *more, "-rfE", *arguments])
