"""Measures ``tts-soak shrink`` on planted causes and on none."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from harness.causes.shrink.run import ShrinkRequest, run_shrink
from harness.causes.target import NothingToFind
from harness.core.records import VerdictWord
from harness.engine.progress import Quiet
from harness.experiments.injection.triggers import spelled_words
from harness.store import list_runs
from tools.causes.broken_soaks import Planting, interleaved, plant
from tools.causes.healthy import chance_failures, chunks_that_are
from tools.rows import Row, append_row, read_rows, share

KINDS = ("text", "seed", "history")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--each", default=20, show_default=True, help="plantings of each kind")
@click.option("--clean", default=20, show_default=True, help="chunks without a finding")
@click.option(
    "--chance",
    type=click.IntRange(0, 10),
    default=10,
    show_default=True,
    help="findings of a backend that fails by chance, at 10%",
)
def shrink(out: Path, each: int, clean: int, chance: int) -> None:
    """Shrink planted causes of three kinds, and what has no cause; print the table."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "shrink.jsonl"
    runs, plantings = _planted(out, each)
    for one in interleaved([plantings[kind] for kind in KINDS]):
        if not any(row.get("planting") == json.loads(json.dumps(asdict(one))) for row in read_rows(file)):
            append_row(file, _measured(runs[one.kind], one))
    _without_cause(out, file, clean, chance)
    click.echo(table(read_rows(file)))


def _planted(out: Path, each: int) -> tuple[dict[str, Path], dict[str, list[Planting]]]:
    """Return the soaks, made once, and what is planted in them."""
    record = out / "plantings.json"
    if not record.is_file():
        rows = {kind: plant(kind, out / kind, each) for kind in KINDS}
        record.write_text(json.dumps({k: [str(path), [asdict(one) for one in ps]] for k, (path, ps) in rows.items()}))
    stored = json.loads(record.read_text())
    plantings = {
        kind: [Planting(**{**one, "earlier": tuple(one["earlier"])}) for one in ones]
        for kind, (_, ones) in stored.items()
    }
    return {kind: Path(path) for kind, (path, _) in stored.items()}, plantings


def _measured(run: Path, one: Planting) -> Row:
    """One shrink beside what was planted."""
    asked = ShrinkRequest(run, one.chunk, run.parent, fault=one.fault)
    try:
        _, outcome = run_shrink(asked, Quiet())
    except NothingToFind as error:
        return {"planting": asdict(one), "exact": False, "why": str(error)}
    earlier = [text.id for text in outcome.earlier]
    exact = (spelled_words(outcome.smallest.text), outcome.bound_to, earlier) == (
        {one.word},
        one.kind,
        list(one.earlier),
    )
    came = {"text": outcome.smallest.text, "bound_to": outcome.bound_to, "earlier": earlier, "fails": outcome.fails}
    rate = outcome.rate.model_dump() if outcome.rate is not None else None
    return {
        "planting": asdict(one),
        "exact": exact,
        **came,
        "rate": rate,
        "requests": outcome.requests,
        "s": outcome.seconds,
    }


def _without_cause(out: Path, file: Path, clean: int, chance: int) -> None:
    """Chunks without a finding, and findings of a backend that fails at random, whatever the text."""
    folder = out / "chance"
    if not list_runs(folder / "reports"):
        chance_failures(folder, max(chance, 1))
    run = list_runs(folder / "reports")[0].path
    asked = [("clean", chunk) for chunk in chunks_that_are(run, VerdictWord.CLEAN)[:clean]]
    asked += [("chance", chunk) for chunk in chunks_that_are(run, VerdictWord.FAULTY)[:chance]]
    for kind, chunk in asked:
        if any(row.get("healthy") == [kind, chunk] for row in read_rows(file)):
            continue
        try:
            _, outcome = run_shrink(ShrinkRequest(run, chunk, run.parent), Quiet())
            append_row(file, {"healthy": [kind, chunk], "cause": outcome.sentence})
        except NothingToFind as error:
            append_row(file, {"healthy": [kind, chunk], "cause": None, "why": str(error)})


def table(rows: Sequence[Row]) -> str:
    """Return the figures in Markdown, with exact intervals."""
    lines = [
        "| planted | exact | requests, median (most) | the command was checked to fail |",
        "| --- | ---: | ---: | ---: |",
    ]
    planted = [row for row in rows if "planting" in row]
    for kind in (*KINDS, "all"):
        some = [row for row in planted if kind in ("all", row["planting"]["kind"])]
        counts = [row["requests"] for row in some if "requests" in row]
        asked = f"{statistics.median(counts):g} ({max(counts)})" if counts else "-"
        exact, fails = (share([row.get(key, False) for row in some]) for key in ("exact", "fails"))
        lines.append(f"| {kind} | {exact} | {asked} | {fails} |")
    for kind in ("clean", "chance"):
        told = [row["cause"] is not None for row in rows if row.get("healthy", [""])[0] == kind]
        lines += ["", f"a cause told, {kind}: {share(told)}"]
    return "\n".join(lines)
