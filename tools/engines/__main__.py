"""``python -m tools.engines``: ``quantize`` makes quantizations of real voices, ``table`` remakes docs/engines.md."""

from __future__ import annotations

from pathlib import Path

import click

from tools.engines import bench, quantize
from tools.engines.table import page

WORK = click.option("--work", type=click.Path(path_type=Path), default=Path("work-engines"), show_default=True)


@click.group()
def main() -> None:
    """Real engines on the bench. TTS_SOAK_PIPER, TTS_SOAK_HIBARI, TTS_SOAK_KOKORO name their interpreters."""


@main.command("quantize")
@WORK
def quantize_command(work: Path) -> None:
    """Make Piper's and hibari's voices in fp32, fp16 and int8, Kokoro with a source in half, and variants files."""
    chunks = {"kokoro": "--corpus multilingual --language ja --chunks 12"}
    for make in (quantize.piper, quantize.hibari, quantize.kokoro):
        try:
            path = make(work)
        except bench.Missing as missing:
            click.echo(f"{make.__name__}: left out: {missing}")
            continue
        corpus = chunks.get(make.__name__, "--chunks 25")
        click.echo(f"pytest suites/quantization/test_quantization.py --variants {path} {corpus} --mos=distillmos")


@main.command("table")
@WORK
@click.option("--book", type=click.IntRange(min=0), default=100, show_default=True, help="chunks of the corpus book")
@click.option("--sentences", type=click.IntRange(min=0), default=13, show_default=True)
@click.option("--edge", type=click.IntRange(min=0), default=92, show_default=True)
@click.option("--only", multiple=True, type=click.Choice([engine.name for engine in bench.ENGINES]))
@click.option("--run/--no-run", default=True, show_default=True, help="soak what was not soaked yet")
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/engines.md"), show_default=True)
def table_command(
    work: Path, book: int, sentences: int, edge: int, only: tuple[str, ...], run: bool, out: Path
) -> None:
    """Soak every engine that is here, one after the other, and write the table from all runs in WORK."""
    counts = {"book": book, "sentences": sentences, "edge": edge}
    chosen = [engine for engine in bench.ENGINES if not only or engine.name in only]
    for engine in chosen if run else ():
        try:
            bench.soak(engine, counts, work)
        except bench.Missing as missing:
            click.echo(f"{engine.name}: left out: {missing}")
    out.write_text(page(bench.ENGINES, work), encoding="utf-8")


if __name__ == "__main__":
    main()
