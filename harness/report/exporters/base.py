"""What every exporter gets, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypedDict

from harness.report.summarise import run_summary
from harness.report.summary import RunSummary, VariantSummary
from harness.store import Run
from harness.store.table import run_table

if TYPE_CHECKING:
    import pandas as pd


class RunLabels(TypedDict):
    """What a run is told apart by."""

    run: str
    suite: str
    corpus: str
    commit: str


@dataclass(frozen=True)
class ExportedRun:
    """A finished run: its directory and the content of ``summary.json``."""

    path: Path
    summary: RunSummary

    @cached_property
    def table(self) -> pd.DataFrame:
        """Return the run table, a row an attempt of the soak."""
        return run_table(self.path)

    @property
    def labels(self) -> RunLabels:
        """Return what the run is told apart by: run, suite, corpus and the commit of the code."""
        commit = self.summary.provenance.get("code", {}).get("commit")
        return {
            "run": self.summary.run_id,
            "suite": self.summary.suite,
            "corpus": self.summary.corpus.name,
            "commit": str(commit or "unknown"),
        }

    def figures(self) -> dict[str, dict[str, float]]:
        """Return variant -> figure -> value; rates are shares, times in seconds, memory in bytes, unknowns left out."""
        timed = self.summary.timed
        return {name: _figures(row, timed) for name, row in self.summary.variants.items()}


class Exporter(Protocol):
    """Sends a run somewhere: ``target`` is a file, an address or a project; None: as the exporter has it.

    Returns one line for each thing written. Raises ConfigError or MissingExtra, one line, for what cannot be sent.
    """

    def __call__(self, run: ExportedRun, target: str | None) -> list[str]: ...


def open_run(path: Path) -> ExportedRun:
    """Read a run for an exporter. Raises StoreError where there is none."""
    with Run.open(path) as run:
        return ExportedRun(path, run_summary(run))


def _figures(row: VariantSummary, timed: bool) -> dict[str, float]:
    rate = row.fault_rate
    named = {
        "chunks": row.chunks,
        "clean": row.clean,
        "faulty": row.faulty,
        "not_judged": row.not_judged,
        "nothing_to_speak": row.nothing_to_speak,
        "audio_seconds": row.audio_seconds,
        "fault_rate": rate.value,
        "fault_rate_low": rate.low,
        "fault_rate_high": rate.high,
        "word_error_rate": row.wer.rate,
        "character_error_rate": row.cer.rate,
        "speaker_similarity": row.speaker_similarity.mean,
        "times_real_time": row.rtfx.value if timed else None,
        "first_audio_seconds_p50": row.streaming.ttfa.p50,
        "first_audio_seconds_p95": row.streaming.ttfa.p95,
        "peak_memory_bytes": row.peak_memory_bytes,
        "model_bytes": row.model_bytes,
        **{f"faults.{fault}": count for fault, count in row.faults.items()},
    }
    return {name: float(value) for name, value in named.items() if value is not None}
