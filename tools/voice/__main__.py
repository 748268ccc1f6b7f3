"""``python -m tools.voice all``: remake the embedded voice from nothing but Debian packages and fixed seeds."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click

from tools.voice import card, recipe, train


@click.command()
@click.argument("stages", nargs=-1, required=True, type=click.Choice([*recipe.STAGES, "card", "all"]))
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--quick", is_flag=True, help="Every stage at a size for CI: minutes, unintelligible speech.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("work-voice"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Folder of the voice; default WORK/voice.")
@click.option("--name", default="duo", show_default=True)
@click.option("--hours", default=40.0, show_default=True, help="Teacher speech, both speakers together.")
@click.option("--minutes", default=60.0, show_default=True, help="Training time.")
@click.option("--until", default=None, type=float, help="Unix time at which training must be over.")
@click.option("--threads", default=1, show_default=True)
@click.option("--batch-tokens", default=6144, show_default=True)
@click.option("--compiled/--eager", default=True, show_default=True, help="torch.compile the model.")
@click.option("--start-from", type=click.Path(path_type=Path, exists=True), default=None,
              help="Folder of a finished voice of the first speaker to go on from.")  # fmt: skip
def main(
    stages: tuple[str, ...],
    device: str,
    quick: bool,
    work: Path,
    out: Path | None,
    name: str,
    hours: float,
    minutes: float,
    until: float | None,
    threads: int,
    batch_tokens: int,
    compiled: bool,
    start_from: Path | None,
) -> None:
    """Run STAGES in the order given; "all" runs every one."""
    plan = train.Plan(
        minutes=minutes,
        threads=threads,
        batch_tokens=batch_tokens,
        compiled=compiled,
        until=float("inf") if until is None else until,
    )
    if start_from:
        plan = replace(plan, muon_rate=8e-4, adam_rate=2e-3)
    settings = recipe.Settings(
        work=work, out=out or work / "voice", name=name, device=device, hours=hours, plan=plan, start_from=start_from
    )
    if quick:
        settings = recipe.quick(settings)
    for stage in [*recipe.STAGES, "card"] if "all" in stages else stages:
        began = time.monotonic()
        if stage == "card":
            card.write(settings.out)
        else:
            recipe.STAGES[stage](settings)
        click.echo(f"{stage}: done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
