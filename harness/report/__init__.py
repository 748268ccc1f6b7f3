"""Everything that is made from a run's store: ``summary.json``, ``report.html``, tables, marks, baselines."""

from __future__ import annotations

import json
from pathlib import Path

from harness.core.durable import write_whole
from harness.core.errors import StoreError
from harness.report.page import render_report
from harness.report.summarise import run_summary
from harness.report.summary import RunSummary
from harness.store import Run
from harness.store.manifest import check_whole


def write(run_path: Path, *, single_file: bool = False) -> RunSummary:
    """Write ``summary.json`` and ``report.html`` into the run's directory; return the summary.

    Raises StoreError, one line, for a damaged run and for files that cannot be written; the run is as it was then.
    ``single_file`` writes ``report-single.html`` too, which holds pictures and audio of the chunks to review.
    """
    with Run.open(run_path) as run:
        check_whole(run.path, run.manifest)
        try:
            summary = run_summary(run)
            write_whole(run_path / "summary.json", json.dumps(summary.to_json(), indent=2, allow_nan=False))
            render_report(run, summary)
            if single_file:
                render_report(run, summary, single_file=True)
        except OSError as error:
            file = error.filename or run_path
            raise StoreError(
                f"{file}: the report cannot be written ({error.strerror or error}); the run itself is whole: "
                f"tts-soak report {run.run_id}"
            ) from None
    return summary


__all__ = ["run_summary", "write"]
