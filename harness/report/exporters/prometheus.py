"""Prometheus: the figures of runs as text, for node_exporter's textfile collector or a push gateway."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from harness.core.errors import ConfigError
from harness.report.exporters.base import ExportedRun

USUAL = "metrics.prom"
_LABELS = ("suite", "corpus", "variant")
_FAULT = "faults."


def write_prometheus(run: ExportedRun, target: str | None) -> list[str]:
    """Write the figures of a run to ``target`` (default: metrics.prom in the run's directory)."""
    return [str(write_metrics([run], Path(target) if target else run.path / USUAL))]


def write_metrics(runs: Sequence[ExportedRun], path: Path, extra: dict[str, float] | None = None) -> Path:
    """Write the figures of several runs, and ``extra`` ones without labels, whole or not at all; return the path.

    A figure is a gauge ``tts_soak_FIGURE`` with suite, corpus and variant; faults by class are
    ``tts_soak_faulty_chunks_by_class``. What was not measured is absent. Raises ConfigError where it cannot be written.
    """
    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for run in runs:
        for variant, figures in run.figures().items():
            labels = (run.labels["suite"], run.labels["corpus"], variant)
            for name, value in figures.items():
                fault = name.removeprefix(_FAULT) if name.startswith(_FAULT) else None
                metric, more = ("faulty_chunks_by_class", ("fault",)) if fault else (name, ())
                if metric not in gauges:
                    help_text = f"{metric.replace('_', ' ')} of the last run"
                    gauges[metric] = Gauge(f"tts_soak_{metric}", help_text, (*_LABELS, *more), registry=registry)
                gauges[metric].labels(*labels, *([fault] if fault else [])).set(value)
    for name, value in (extra or {}).items():
        Gauge(f"tts_soak_{name}", name.replace("_", " "), registry=registry).set(value)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None
    return path
