"""False alarms on voices that the priors were not fitted on: an engine judged by priors of all the others."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import stats
from harness.core.records import Attempt, Chunk, Detection, DetectorInput
from harness.verdicts import Limits, Priors, RunChunk, VerdictPolicy, fit_run
from tools.sensitivity.priors import UNKNOWN_TEXT, fit

LEVEL = 0.95


def engine_of(name: str) -> str:
    """Return the engine of a voice's file: what stands before the first mark in its name."""
    return name.replace("-", "_").partition("_")[0]


def run(folder: Path) -> dict[str, Any]:
    """Judge every voice that ``folder`` keeps (see ``tools.sensitivity priors``) as a first run of its own."""
    paths = sorted(folder.glob("*.json"))
    result: dict[str, Any] = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "voices": {}, "listed": []}
    for engine in sorted({engine_of(path.stem) for path in paths}):
        priors = fit(folder, [engine])
        judge = VerdictPolicy(Limits.default(priors))
        for path in paths:
            if engine_of(path.stem) == engine:
                rows = json.loads(path.read_text(encoding="utf-8"))["chunks"]
                alarms = _alarms(rows, judge, priors)
                result["voices"][path.stem] = {"chunks": len(rows), "alarmed": len(alarms)}
                result["listed"] += [{"voice": path.stem, **alarm} for alarm in alarms]
    chunks = sum(voice["chunks"] for voice in result["voices"].values())
    alarmed = sum(voice["alarmed"] for voice in result["voices"].values())
    low, high = stats.clopper_pearson(alarmed, chunks, LEVEL)
    return {**result, "chunks": chunks, "alarmed": alarmed, "low": low, "high": high}


def _alarms(rows: Sequence[dict[str, Any]], judge: VerdictPolicy, priors: Priors) -> list[dict[str, Any]]:
    chunks = [
        RunChunk(number, Chunk(row["id"], row["text"] or UNKNOWN_TEXT, row["language"]), row["values"])
        for number, row in enumerate(rows, 1)
    ]
    own = fit_run(chunks, priors)
    alarms = []
    for one in chunks:
        view = DetectorInput(one.chunk, Attempt(0, 0, one.attempt, one.chunk.id, "v", id=one.attempt), {})
        evidence = [Detection(name, value) for name, value in one.values.items()]
        found, _ = judge.findings(view, evidence, own.of(one.attempt))
        if found:
            why = [f"{f.fault}: {f.value:.3g} against {f.limit:.3g} ({f.limit_source}; {f.detail})" for f in found]
            alarms.append({"chunk": one.chunk.id, "why": why})
    return alarms
