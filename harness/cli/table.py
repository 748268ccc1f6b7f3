"""``tts-soak table``: a run as rows for pandas, DuckDB or a spreadsheet."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.common import REPORTS, RUN, main, run_path
from harness.core.errors import ConfigError
from harness.core.records import Arm

_KINDS = (".parquet", ".csv")


@main.command("table")
@RUN
@click.option("--out", type=click.Path(path_type=Path), default=None, help=".parquet or .csv (default: CSV, printed)")
@click.option("--all-arms", is_flag=True, help="also replays, timing-only passes and the arms of experiments")
@REPORTS
def table_command(run: str | None, out: Path | None, all_arms: bool, reports: Path) -> None:
    """Write the run table of RUN (default: the latest): a row an attempt, every score a column."""
    from harness.report.exports import write_csv
    from harness.store import Run
    from harness.store.table import attempt_rows, run_table, write_parquet

    if out is not None and out.suffix not in _KINDS:
        raise ConfigError(f"--out {out}: must end in {' or '.join(_KINDS)}")
    path = run_path(run, reports)
    arms = tuple(Arm) if all_arms else (Arm.SOAK,)
    try:
        if out is not None and out.suffix == ".parquet":
            write_parquet(run_table(path, arms=arms), out)
            return
        with Run.open(path) as opened:
            rows = list(attempt_rows(opened, arms=arms))
        if out is None:
            write_csv(rows, sys.stdout)
        else:
            with out.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                write_csv(rows, file)
    except OSError as error:
        raise ConfigError(f"{out or 'standard output'}: cannot be written ({error.strerror})") from None
