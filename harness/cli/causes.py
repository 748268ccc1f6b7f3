"""``tts-soak shrink``: from a finding to the smallest input that still shows it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.common import REPORTS, main, run_path
from harness.core.printable import printable_line

_UNFINISHED = 2  # exit code: the minutes were over, or Ctrl-C

VARIANTS_FILE = click.option(
    "--variants", type=click.Path(path_type=Path), default=None, help="variants file (default: the one of the run)"
)


@main.command()
@click.argument("run")
@click.argument("chunk")
@click.option("--variant", default=None, help="whose chunk, where several are faulty")
@click.option("--fault", default=None, metavar="CLASS", help="which of its findings (default: the worst)")
@click.option("--minutes", type=click.FloatRange(min=0), default=0, help="stop after so much; 0: no limit")
@click.option("--seeds", type=click.IntRange(min=4, max=60), default=20, show_default=True, help="that measure a rate")
@click.option("--resume", is_flag=True, help="go on with an unfinished shrink of the same finding")
@VARIANTS_FILE
@REPORTS
def shrink(
    run: str,
    chunk: str,
    variant: str | None,
    fault: str | None,
    minutes: float,
    seeds: int,
    resume: bool,
    variants: Path | None,
    reports: Path,
) -> None:
    """Find the smallest input that still shows the fault of CHUNK in RUN ("latest", or an id of `tts-soak runs`).

    Exit codes: 0 found, 2 unfinished (go on with --resume), 4 wrong use, 6 nothing to find.
    """
    from harness.causes.shrink.outcome import outcome_lines
    from harness.causes.shrink.run import ShrinkRequest, run_shrink
    from harness.terminal import Line

    asked = ShrinkRequest(run_path(run, reports), chunk, reports, variant, fault, variants, minutes, seeds, resume)
    try:
        path, outcome = run_shrink(asked, Line(sys.stderr))
    except KeyboardInterrupt:
        click.echo("interrupted; everything that was asked is kept: go on with --resume", err=True)
        sys.exit(_UNFINISHED)
    for line in outcome_lines(outcome):
        click.echo(printable_line(line))
    click.echo(f"in {path}")
    if not outcome.complete:
        sys.exit(_UNFINISHED)
