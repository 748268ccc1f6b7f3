"""docs/engines.md: one row an engine, from the runs of both suites."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.records import Arm, Attempt
from harness.experiments.stage import figure
from harness.report.summary import VariantSummary, read_summary
from harness.store import Run
from tools.engines.bench import Engine

HEADS = (
    "engine", "chunks", "faulty of judged (95%)", "WER", "CER", "SIM", "MOS", "RTFx cold", "RTFx warm", "TTFA, s",
    "determinism", "memory, MB",
)  # fmt: skip
_STREAMED = 0.8  # of the request; audio that comes later came all at once
INTRODUCTION = """# Engines that everybody knows, on the bench

Every row is a run of `suites/stress` and one of `suites/determinism` on the real program, through its
[preset](presets/README.md), judged without a reference: by physics, by the run's own distribution and by what holds for
any healthy voice. Remade by

    python -m tools.engines table --book 100 --sentences 13 --edge 92

which keeps what was run and goes on where it was stopped. `--book 12` soaks fewer chunks; the second column says how
many were.
"""
NOTES = """
Faulty: chunks with a finding that was not refuted, with the exact interval; below, what they are and why chunks
were not judged. WER and CER: the recognizer's own errors are in them ({recognizer}); for Japanese, where no
spaces part the words, only CER means something. SIM: mean cosine of each chunk's embedding to the mean of the
engine's other chunks ({encoder}), so that it says how steady the voice is. MOS: as predicted by DistillMOS.
RTFx: audio seconds per CPU second of the engine's processes, of the first request after the start (cold) and of
the others (warm); a program that is started for every chunk is always cold. TTFA: median time to the first
audio by the clock, where the engine streams; in brackets where other work took the machine, which the run
notes. Determinism: the verdict of its suite on {probes} texts, with the comparisons that differ. Memory:
largest of the engine's processes together.
"""


def page(engines: Sequence[Engine], work: Path) -> str:
    """Return the page, from the finished runs below ``work``."""
    rows = [row for engine in engines if (row := _row(engine, work)) is not None]
    lines = [" | ".join(("", *HEADS, "")).strip(), "|" + "---|" * len(HEADS)]
    lines += [" | ".join(("", *row["cells"], "")).strip() for row in rows]
    remarks = [f"- {row['name']}: {row['said']}" for row in rows if row["said"]]
    encoder = rows[0]["encoder"] if rows else "none"
    notes = NOTES.format(encoder=encoder, recognizer=rows[0]["recognizer"] if rows else "none", probes=3)
    faults = "\n## What was found\n\n" + "\n".join(remarks) + "\n" if remarks else ""
    return INTRODUCTION + "\n" + "\n".join(lines) + "\n" + notes + faults


def _row(engine: Engine, work: Path) -> dict[str, Any] | None:
    stress, again = work / engine.name / "stress" / "latest", work / engine.name / "determinism" / "latest"
    if not (stress / "summary.json").is_file():
        return None
    summary = read_summary(stress / "summary.json")
    row = summary.variants[engine.name]
    with Run.open(stress) as run:
        attempts = [one for one in run.attempts(variant=engine.name) if one.arm == Arm.SOAK]
        payloads = {
            name: [payload for _, one in run.all_observations(name, engine.name) if (payload := one.payload)]
            for name in ("speaker", "distillmos")
        }
    rate = row.fault_rate
    cells = (
        f"**{engine.name}**: {engine.what}",
        str(row.chunks),
        f"{rate.count} of {rate.total} ({rate.low:.1%} to {rate.high:.1%})" if rate.total else "none judged",
        _errors(row.wer.errors, row.wer.words),
        _errors(row.cer.errors, row.cer.characters),
        figure(steadiness([one["embedding"] for one in payloads["speaker"]]), ".3f"),
        figure(_mean([one["overall"] for one in payloads["distillmos"]]), ".2f"),
        *_speed(attempts),
        _first_audio(attempts, summary.timings.valid),
        _repeats(again, engine.name),
        figure(row.peak_memory_bytes, ".0f", 1e-6),
    )
    recognizer = summary.recognizer
    return {
        "name": engine.name,
        "cells": cells,
        "said": _said(row),
        "encoder": row.speaker_similarity.encoder,
        "recognizer": f"{recognizer.engine or ''} {recognizer.model or ''}".strip(),
    }


def _said(row: VariantSummary) -> str:
    """Faults with their counts, why chunks were not judged, and what is said of the voice as a whole."""
    parts = [f"{name} in {count}" for name, count in row.faults.items()]
    parts += [f"{count} not judged ({reason})" for reason, count in row.not_judged_because.items()]
    parts += [one.statement for one in row.claims if one.name == "as-a-whole" and one.passed is not True]
    return "; ".join(parts)


def steadiness(embeddings: Sequence[Sequence[float]]) -> float | None:
    """Return the mean cosine of each embedding to the mean of the others; None for fewer than three."""
    if len(embeddings) < 3:
        return None
    vectors = np.asarray(embeddings, np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    others = vectors.sum(axis=0) - vectors
    return float(np.mean(np.sum(vectors * others, axis=1) / np.linalg.norm(others, axis=1)))


def _errors(errors: int, total: int) -> str:
    return f"{errors / total:.1%} of {total:,}" if total else "-"


def _speed(attempts: Sequence[Attempt]) -> tuple[str, str]:
    rates = [one.duration / one.cpu_seconds for one in attempts if one.duration and one.cpu_seconds]
    if not rates:
        return "-", "-"
    spent = sum(one.cpu_seconds or 0.0 for one in attempts[1:] if one.duration)
    warm = sum(one.duration or 0.0 for one in attempts[1:] if one.cpu_seconds)
    return f"{rates[0]:.1f}", figure(warm / spent if spent else None, ".1f")


def _first_audio(attempts: Sequence[Attempt], valid: bool | None) -> str:
    streamed = [one for one in attempts if one.ttfa and one.wall_seconds and one.ttfa < _STREAMED * one.wall_seconds]
    times = [one.ttfa for one in streamed if one.ttfa is not None]
    if not times:
        return "-"
    median = f"{np.median(times):.2f}"
    return median if valid else f"({median})"


def _repeats(folder: Path, name: str) -> str:
    """Return the verdict of the determinism suite, with the comparisons that differ."""
    if not (folder / "manifest.json").is_file():
        return "-"
    with Run.open(folder) as run:
        claims = {one.name: one.passed for one in run.claims() if one.variant == name}
    if not claims:
        return "-"
    verdict = {True: "repeats exactly", False: "differs"}.get(claims.pop("determinism", None), "not judged")
    differ = [claim for claim, passed in claims.items() if passed is False]
    return f"{verdict}: {', '.join(differ)}" if differ else verdict


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return float(np.mean(numbers)) if numbers else None
