"""Everything that is made from a run's store: ``summary.json``, ``report.html``, tables, marks, baselines (layer 4)."""

from __future__ import annotations

import json
from pathlib import Path

from harness.report.page import render
from harness.report.summary import summarise
from harness.store import Run
from harness.types import Json


def write(run_path: Path, *, single_file: bool = False) -> Json:
    """Write ``summary.json`` and ``report.html`` into the run's directory; return the summary.

    ``single_file`` writes ``report-single.html`` too, which holds pictures and audio of the chunks to review.
    """
    with Run.open(run_path) as run:
        summary = summarise(run)
        (run_path / "summary.json").write_text(json.dumps(summary, indent=2, allow_nan=False), encoding="utf-8")
        render(run, summary)
        if single_file:
            render(run, summary, single_file=True)
    return summary


__all__ = ["summarise", "write"]
