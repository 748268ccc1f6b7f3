"""``tts-soak export``: a run in the formats of other programs, and to trackers of experiments."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.common import REPORTS, RUN, main, run_path


def _exporters(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from harness.report.exporters import EXPORTERS

    return [name for name in EXPORTERS if name.startswith(incomplete)]


@main.command("export")
@RUN
@click.option(
    "--to",
    "name",
    required=True,
    metavar="EXPORTER",
    shell_complete=_exporters,
    help="benchmark, mlflow, prometheus, or a package's own",
)
@click.option("--target", default=None, help="file, address or project; the exporter's usual one if not given")
@REPORTS
def export_command(run: str | None, name: str, target: str | None, reports: Path) -> None:
    """Send RUN (default: the latest) to an exporter; prints what was written."""
    from harness.report.exporters import EXPORTERS, open_run

    send = EXPORTERS.get(name, "--to")
    for line in send(open_run(run_path(run, reports)), target):
        click.echo(line)
