"""Measures ``tts-soak bisect`` on models with planted causes and on healthy ones.

Kinds take turns: one tensor of f16 as q2_k stores it; two blocks of q8_0 swapped; one row of f16's embeddings zeroed.
Asked for by name: one tensor of q8_0 as q2_k stores it, among the rounding of all others. Nobody listens: a single
tensor is hardly ever heard. A cause is named where the set is the planted one; of swapped blocks, where it holds
tensors of both and of no other block.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import click

from harness.causes.bisect.model_file import GgufModel
from harness.causes.bisect.run import run_bisect
from harness.core.paths import VARIANTS, VOICES
from harness.core.records import Chunk
from harness.core.variants import load_variants
from harness.corpora import load_corpus, make_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.store import Run
from tools.causes.broken_models import plant_quantized, plant_swap, plant_zero_row
from tools.rows import Row, append_row, read_rows, share

VOICE = VOICES / "duo"
KINDS = ("quantized in f16", "blocks swapped", "row zeroed")
NOISY = "quantized in q8_0"
HEALTHY = "healthy"
LONGEST = 15 * 60  # s


@click.command()
@click.option("--plantings", default=20, show_default=True, help="models with a planted cause")
@click.option("--kind", type=click.Choice([*KINDS, NOISY]), help="only this one (default: in turn)")
@click.option("--healthy", default=0, show_default=True, help="f16 against itself, with another text each")
@click.option("--generations", default=1, show_default=True, help="texts of the reference that are fed")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="rows, after every bisect")
def bisect(plantings: int, kind: str | None, healthy: int, generations: int, out: Path) -> None:
    """Plant causes in the embedded voice and count those named; exit code 1 for a miss or a cause of a healthy one."""
    todo = [(kind or KINDS[number % len(KINDS)], number) for number in range(plantings)]
    todo += [(HEALTHY, number) for number in range(healthy)]
    measured = {(row["kind"], row["number"]) for row in read_rows(out)}
    for one, number in todo:
        if (one, number) in measured:
            continue
        with tempfile.TemporaryDirectory(prefix="tts-soak-plant-") as folder:
            row = measure_bisect(one, number, generations, Path(folder))
        append_row(out, row)
        word = "right" if row["right"] else "WRONG"
        told = f"{row['what']} -> {row['statement'][:150]}"
        click.echo(f"{number:3d} {one:<17} {word} {row['seconds']:4.0f} s  {told}")
    rows = read_rows(out)
    click.echo(bisect_figures(rows))
    sys.exit(0 if all(row["right"] and row["seconds"] <= LONGEST for row in rows) else 1)


def measure_bisect(kind: str, number: int, generations: int, folder: Path) -> Row:
    """Bisect one model: with a cause drawn by its number, or f16 itself, of which there is none to be told."""
    draw, path = random.Random(number), folder / "planted.gguf"
    planted, what = (frozenset[str](), "nothing") if kind == HEALTHY else plant(kind, draw, path)
    chunks = load_corpus("book").chunks
    fed = chunks[number * generations :][:generations] if kind == HEALTHY else chunks[:generations]
    model = VOICE / "f16.gguf" if kind == HEALTHY else path
    began = time.monotonic()
    with Run.open(run_bisect(plan(model, fed, folder / "reports"), Quiet(), None)) as run:
        (claim,) = run.claims()
    restored = frozenset(claim.details["restored"])
    right = restored == planted
    if kind == "blocks swapped":
        right = bool(restored) and restored <= planted and len({name.split(".")[1] for name in restored}) == 2
    return {
        "kind": kind, "number": number, "what": what, "right": right, "word": claim.details["word"],
        "restored": sorted(restored), "nats": claim.value, "seconds": time.monotonic() - began,
        "statement": claim.statement,
    }  # fmt: skip


def plant(kind: str, draw: random.Random, path: Path) -> tuple[frozenset[str], str]:
    """Write the planted model; return the tensors that are wrong, and what was done."""
    f16, q8_0, q2_k = (GgufModel(VOICE / f"{name}.gguf", name) for name in ("f16", "q8_0", "q2_k"))
    if kind.startswith("quantized"):
        tensors = sorted(name for name, one in q2_k.tensors.items() if one.type_name in ("Q2_K", "Q3_K"))
        tensor, base = draw.choice(tensors), f16 if kind.endswith("f16") else q8_0
        return plant_quantized(base, q2_k, tensor, path), tensor
    if kind == "blocks swapped":
        first, second = sorted(draw.sample(range(6), 2))
        return plant_swap(q8_0, first, second, path), f"blocks {first} and {second}"
    row = draw.randrange(272, 2000)
    return plant_zero_row(f16, row, path), f"row {row}"


def plan(path: Path, fed: tuple[Chunk, ...], reports: Path) -> Plan:
    """Return a bisect of this model against f16, by its arithmetic alone."""
    f16 = next(one for one in load_variants(VARIANTS) if one.name == "f16")
    planted = replace(f16, name="planted", settings={**f16.settings, "model": str(path)}, reference=False)
    ids = tuple(chunk.id for chunk in fed)
    table = {"generations": len(fed), "search": 0, "verify": 0}
    return Plan("bisect", make_corpus("fed", fed, "book"), (f16, planted), {"f16": ids, "planted": ids}, reports,
                reference=f16, experiment={"bisect": table}, quiet_chunks=0)  # fmt: skip


def bisect_figures(rows: list[Row]) -> str:
    """Return counts with exact intervals in Markdown, by kind and of all plantings."""
    lines = ["| planted | named (95%) | slowest |", "| --- | ---: | ---: |"]
    planted = [row for row in rows if row["kind"] != HEALTHY]
    for name in (*KINDS, NOISY, "all"):
        chosen = [row for row in planted if name in (row["kind"], "all")]
        if chosen:
            slowest = max(row["seconds"] for row in chosen)
            lines.append(f"| {name} | {share([row['right'] for row in chosen])} | {slowest:.0f} s |")
    told = [not row["right"] for row in rows if row["kind"] == HEALTHY]
    return "\n".join([*lines, "", f"a cause told, f16 against itself: {share(told)}"])
