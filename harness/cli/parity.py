"""Compare two runs of the same stages."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.common import REPORTS, main
from harness.core.errors import ConfigError
from harness.core.printable import printable
from harness.core.toml import read_tables


@main.command()
@click.argument("reference")
@click.argument("candidate")
@click.option("--bucket", "buckets", type=int, multiple=True, help="token or mel length; each is a row of its own")
@click.option("--phase", "phases", multiple=True, metavar="STAGE=TURN", help="a phase that wraps at TURN: 1 or 6.2832")
@click.option("--rate", type=click.IntRange(1000, 768000), default=None, help="of the waveform, Hz")
@click.option("--waveform", default=None, help="the stage that is the sound (default: waveform)")
@click.option("--tokens", default=None, help="the stage that holds the tokens")
@click.option("--crop", is_flag=True, help="compare the common part where one side is padded to its bucket")
@click.option(
    "--limits",
    type=click.Path(path_type=Path),
    default=None,
    help="tolerances: the table [parity] of this file, without its pairs",
)
@REPORTS
def parity(
    reference: str,
    candidate: str,
    buckets: tuple[int, ...],
    phases: tuple[str, ...],
    rate: int | None,
    waveform: str | None,
    tokens: str | None,
    crop: bool,
    limits: Path | None,
    reports: Path,
) -> None:
    """Compare CANDIDATE with REFERENCE stage by stage and end to end; exit 1 where they differ.

    Each is a dump (.npz or .safetensors, {bucket} in its name), a folder of dumps named by their bucket, or
    module:callable, which gets the bucket as a keyword and gives a table of stage name -> array.
    """
    from harness.experiments.parity.run import plan_of_pair, run_parity
    from harness.store import Run
    from harness.terminal import Line

    table = _with_phases(_tolerances(limits) if limits is not None else {}, phases)
    more = {"sample_rate": rate, "waveform": waveform, "tokens": tokens}
    table |= {key: value for key, value in more.items() if value is not None}
    if crop:
        stage = table.get("stage", {})
        table["stage"] = {**stage, "crop": True} if isinstance(stage, dict) else stage
    path = run_parity(plan_of_pair(reference, candidate, buckets, table, reports), Line(sys.stderr), None)
    click.echo(printable((path / "results.md").read_text(encoding="utf-8")), nl=False)
    click.echo(f"report: {path / 'report.html'}")
    with Run.open(path) as run:
        lost = [str(event.data["reason"]) for event in run.events("cannot be loaded")]
        failed = any(claim.passed is False for claim in run.claims())
    if lost:
        raise ConfigError(lost[0])
    if failed:
        sys.exit(1)


def _with_phases(table: dict[str, object], phases: tuple[str, ...]) -> dict[str, object]:
    """Return the table with the stages that wrap. Raises ConfigError for one that is no STAGE=TURN."""
    turns: dict[str, float] = {}
    for given in phases:
        name, _, turn = given.partition("=")
        try:
            turns[name] = float(turn)
        except ValueError:
            raise ConfigError(f"--phase {given}: must be STAGE=TURN, such as phase=1") from None
    stages = table.get("stages", {})
    if not turns or not isinstance(stages, dict):
        return table
    return {**table, "stages": {**stages, **{name: {**stages.get(name, {}), "modulo": t} for name, t in turns.items()}}}


def _tolerances(path: Path) -> dict[str, object]:
    """Return the table ``[parity]`` of a limits file, without its pairs."""
    table = read_tables(path, "limits file").get("parity", {})
    table.pop("pairs", None)
    return table
