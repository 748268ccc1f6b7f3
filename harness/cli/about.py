"""What there is to choose from: a variants file to start with, fault classes, corpora, presets."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from harness.cli.common import main
from harness.core.errors import ConfigError, nearest
from harness.core.paths import EXAMPLE_VARIANTS
from harness.core.printable import printable_line


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("variants.toml"))
def init(path: Path) -> None:
    """Write a commented variants file to start from (default: ./variants.toml)."""
    if path.exists():
        raise ConfigError(f"{path}: already there; name another file or remove it first")
    path.write_text(EXAMPLE_VARIANTS.read_text(encoding="utf-8"))
    click.echo(f"wrote {path}; edit it, then: pytest suites/stress --variants {path} --variant NAME")


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, options and runs; as in `eval "$(tts-soak completion bash)"`."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # the choice above
    click.echo(kind(main, {}, "tts-soak", "_TTS_SOAK_COMPLETE").source())


@main.command()
@click.argument("name", required=False)
def faults(name: str | None) -> None:
    """List the fault classes, one a line, or explain one."""
    from harness.detectors import catalogue, explain

    detectors = catalogue()
    if name is None:
        width = max(map(len, detectors))
        for fault in detectors.values():
            click.echo(f"{fault.name:<{width}}  {fault.title}")
        return
    if name not in detectors:
        raise ConfigError(f"unknown fault class {name!r}{nearest(name, detectors)}")
    click.echo(explain(detectors[name]))


@main.command()
@click.argument("spec", required=False)
@click.option("--full", is_flag=True, help="texts in full, not cut at 110 characters")
def corpora(spec: str | None, full: bool) -> None:
    """List the built-in corpora, or show the chunks of one (a name, a file, or generated:...)."""
    from harness.corpora import builtin_names, corpus_words, load_corpus

    if spec is None:
        for name in builtin_names():
            corpus = load_corpus(name)
            click.echo(
                f"{name:<14}{len(corpus.chunks):>5} chunks {corpus_words(corpus):>7} words  sha256 {corpus.sha256[:12]}"
            )
        return
    for chunk in load_corpus(spec).chunks:
        text = textwrap.shorten(chunk.text, 110, placeholder="...")
        click.echo("\t".join(printable_line(cell) for cell in (chunk.id, chunk.language, text)))


@main.command()
@click.argument("name", required=False)
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help="what the preset leaves open")
def presets(name: str | None, given: tuple[str, ...]) -> None:
    """List variants for known programs, or print one to append to a variants file (docs/presets has a page each)."""
    from harness.backends.presets import names, read_preset

    if name is None:
        width = max(map(len, names()))
        for each in names():
            click.echo(f"{each:<{width}}  {read_preset(each).title}")
        return
    for pair in given:
        key, _, value = pair.partition("=")
        if not key or not value:
            raise ConfigError(f"--set {pair}: must be a key, '=', and what it is set to")
    click.echo(read_preset(name).filled(dict(pair.split("=", 1) for pair in given)), nl=False)
