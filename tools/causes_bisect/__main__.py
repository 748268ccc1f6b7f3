"""Plant causes in the embedded voice and count how many a bisect names.

    python -m tools.causes_bisect --plantings 20 --out plantings.json     # goes on where the file ends
    python -m tools.causes_bisect --kind "quantized in q8_0" --plantings 5 --out noisy.json

Kinds take turns: one tensor of f16 as q2_k stores it; two blocks of q8_0 swapped; one row of f16's embeddings zeroed.
Asked for by name: one tensor of q8_0 as q2_k stores it, among the rounding of all others. Nobody listens: a single
tensor is hardly ever heard. A cause is named where the set is the planted one; of swapped blocks, where it holds
tensors of both and of no other block. Exit code 1 for a miss.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.causes.bisect.model_file import GgufModel
from harness.causes.bisect.run import run_bisect
from harness.core.durable import write_durably
from harness.core.paths import VARIANTS, VOICES
from harness.core.variants import load_variants
from harness.corpora import head, load_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.stats import clopper_pearson
from harness.store import Run
from tools.causes_bisect.plant import plant_quantized, plant_swap, plant_zero_row

VOICE = VOICES / "duo"
KINDS = ("quantized in f16", "blocks swapped", "row zeroed")
NOISY = "quantized in q8_0"
LONGEST = 15 * 60  # s


def main() -> int:
    """Plant, bisect and count; every planting is kept at once."""
    parser = argparse.ArgumentParser(prog="python -m tools.causes_bisect", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--plantings", type=int, default=20)
    parser.add_argument("--kind", choices=(*KINDS, NOISY), default=None, help="only this one (default: in turn)")
    parser.add_argument("--generations", type=int, default=1, help="texts of the reference that are fed")
    parser.add_argument("--out", type=Path, required=True, help="rows as JSON, after every planting")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = json.loads(given.out.read_text()) if given.out.exists() else []
    for number in range(len(rows), given.plantings):
        with tempfile.TemporaryDirectory(prefix="tts-soak-plant-") as folder:
            rows.append(
                bisect_planting(given.kind or KINDS[number % len(KINDS)], number, given.generations, Path(folder))
            )
        write_durably(given.out, json.dumps(rows, indent=1).encode())
        row = rows[-1]
        word = "named" if row["named"] else "MISSED"
        told = f"{row['what']} -> {row['statement'][:150]}"
        print(f"{number:3d} {row['kind']:<17} {word} {row['seconds']:4.0f} s  {told}", flush=True)
    return summarise(rows)


def bisect_planting(kind: str, number: int, generations: int, folder: Path) -> dict[str, Any]:
    """Plant one cause, drawn with its number as the seed, and bisect."""
    draw, path = random.Random(number), folder / "planted.gguf"
    planted, what = plant(kind, draw, path)
    began = time.monotonic()
    with Run.open(run_bisect(plan(path, generations, folder / "reports"), Quiet(), None)) as run:
        (claim,) = run.claims()
    restored = frozenset(claim.details["restored"])
    named = restored == planted
    if kind == "blocks swapped":
        named = bool(restored) and restored <= planted and len({name.split(".")[1] for name in restored}) == 2
    return {
        "kind": kind, "what": what, "named": named, "word": claim.details["word"], "restored": sorted(restored),
        "nats": claim.value, "seconds": time.monotonic() - began, "statement": claim.statement,
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


def plan(path: Path, generations: int, reports: Path) -> Plan:
    """A bisect of the planted model against f16, by its arithmetic alone."""
    f16 = next(one for one in load_variants(VARIANTS) if one.name == "f16")
    planted = replace(f16, name="planted", settings={**f16.settings, "model": str(path)}, reference=False)
    corpus = head(load_corpus("book"), generations)
    ids = tuple(chunk.id for chunk in corpus.chunks)
    table = {"generations": generations, "search": 0, "verify": 0}
    return Plan("bisect", corpus, (f16, planted), {"f16": ids, "planted": ids}, reports, reference=f16,
                experiment={"bisect": table}, quiet_chunks=0)  # fmt: skip


def summarise(rows: list[dict[str, Any]]) -> int:
    """Print counts with exact intervals, by kind and in all; return the exit code."""
    tests: dict[str, Callable[[dict[str, Any]], bool]] = {
        **{kind: lambda row, kind=kind: row["kind"] == kind for kind in (*KINDS, NOISY)},
        "all": lambda row: True,
    }
    for name, test in tests.items():
        chosen = [row for row in rows if test(row)]
        if not chosen:
            continue
        named = sum(row["named"] for row in chosen)
        low, high = clopper_pearson(named, len(chosen))
        slowest = max(row["seconds"] for row in chosen)
        print(f"{name:<17} {named} of {len(chosen)} named ({low:.1%} to {high:.1%}), slowest {slowest:.0f} s")
    return 0 if all(row["named"] and row["seconds"] <= LONGEST for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
