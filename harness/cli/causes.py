"""``tts-soak shrink`` and ``tts-soak bundle``: from a finding to its cause, and to those who can mend it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from harness.cli.common import REPORTS, UNFINISHED, main, run_path
from harness.core.printable import printable_line

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
        sys.exit(UNFINISHED)
    for line in outcome_lines(outcome):
        click.echo(printable_line(line))
    click.echo(f"in {path}")
    if not outcome.complete:
        sys.exit(UNFINISHED)


@main.command()
@click.argument("run")
@click.argument("chunk")
@click.option("--variant", default=None, help="whose chunk, where several are faulty")
@click.option("--fault", default=None, metavar="CLASS", help="which of its findings leads (default: the worst)")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="the zip (default: in reports/bundles)")
@REPORTS
def bundle(run: str, chunk: str, variant: str | None, fault: str | None, out: Path | None, reports: Path) -> None:
    """Put everything about the fault of CHUNK in RUN into one zip for a bug report, with issue.md and index.html.

    Secrets are taken out, and no other chunk is in it but those that a shrink found to be needed.
    """
    from harness.causes.bundle.write import write_bundle
    from harness.causes.target import find_target

    target = find_target(run_path(run, reports), chunk, variant, fault)
    name = re.sub(r"[^A-Za-z0-9_.+-]+", "-", f"{target.run_id}-{target.variant}-{target.chunk.id}")[:150]
    path = out if out is not None else reports / "bundles" / f"{name}.zip"
    names = write_bundle(target, reports, path)
    click.echo(f"{path}: {len(names)} files, {path.stat().st_size / 1e6:.1f} MB; read issue.md before you send it")
