"""Walk from a clone to a verdict on an engine that is not ours, and time every step.

    python -m tools.walk                              # espeak-ng, packages of this interpreter
    python -m tools.walk --install --chunks 40        # with a virtual environment of its own, as a stranger would
    python -m tools.walk --preset piper --set model=/voices/en.onnx

Prints a table and ends with 1 where a step went wrong, nothing was judged, or the whole took more than ``--minutes``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from harness.report.advice import advice
from harness.report.headline import VariantWord, headlines, sentence
from harness.report.summary import read_summary
from tools.walk.steps import Step, Walk, table

ROOT = Path(__file__).resolve().parents[2]


@click.command()
@click.option("--preset", default="espeak-ng", show_default=True, help="whose engine: see tts-soak presets")
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help="what the preset leaves open")
@click.option("--chunks", type=click.IntRange(min=2), default=40, show_default=True, help="of the built-in book")
@click.option("--asr", default=None, help="recognizer; the default one if not given")
@click.option("--install", is_flag=True, help="into a virtual environment of its own, timed too")
@click.option("--minutes", type=float, default=15.0, show_default=True, help="what the walk may take")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="also write the steps as JSON")
def main(
    preset: str, given: tuple[str, ...], chunks: int, asr: str | None, install: bool, minutes: float, out: Path | None
) -> None:
    """Walk, and tell how long each step took and what the run said in the end."""
    with tempfile.TemporaryDirectory(prefix="tts-soak-walk-") as folder:
        walk = Walk(Path(folder))
        walk.clone(ROOT)
        if install:
            walk.install()
        heard = ["--asr", asr] if asr is not None else []
        walk.variants(preset, given)
        walk.soak("is it connected? 4 chunks", ["--chunks", "4", *heard])
        walk.soak(f"soak: {chunks} chunks", ["--chunks", str(chunks), *heard])
        walk.listed()
        told = _understood(walk)
        steps = walk.steps
    total = sum(step.seconds for step in steps)
    click.echo(table(steps))
    for line in told:
        click.echo(line)
    click.echo(f"{total / 60:.1f} minutes in all (allowed: {minutes:g})")
    if out is not None:
        rows = [{"step": s.name, "seconds": round(s.seconds, 1), "code": s.code} for s in steps]
        out.write_text(json.dumps({"steps": rows, "seconds": round(total, 1), "told": told}, indent=1) + "\n")
    if not told or _failed(steps) or total > 60 * minutes:
        sys.exit(1)


def _failed(steps: list[Step]) -> bool:
    return any(not step.fine for step in steps)


def _understood(walk: Walk) -> list[str]:
    """Return what a stranger reads on top of the page, the verdict and what to do next; empty without a verdict."""
    file = walk.latest() / "summary.json"
    if not file.is_file():
        return []
    summary = read_summary(file)
    words = headlines(summary)
    if any(headline.word in (VariantWord.LOST, VariantWord.BLIND) for headline in words.values()):
        return []
    busy = summary.timings.reason
    return [
        sentence(summary, words),
        *(f"next: {line}" for line in advice(summary, words)),
        *([f"how long it took says little: {busy}"] if busy else []),
    ]


if __name__ == "__main__":
    main()
