"""pytest-benchmark's JSON: seconds of waiting per second of audio, so that its comparisons and CI actions read runs."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import ConfigError
from harness.report.exporters.base import ExportedRun

if TYPE_CHECKING:
    import pandas as pd

USUAL = "benchmark.json"


def write_benchmark(run: ExportedRun, target: str | None) -> list[str]:
    """Write one benchmark a variant to ``target`` (default: benchmark.json in the run's directory).

    A round is a chunk; its time is the real-time factor, wall seconds of the request / seconds of its audio. Raises
    ConfigError where nothing was timed, or the run's timings are not valid.
    """
    if not run.summary.timed:
        raise ConfigError(f"{run.path.name}: its timings are not valid: {run.summary.timings.reason}")
    spoken = run.table[(run.table["duration"] > 0) & run.table["wall_seconds"].notna()] if len(run.table) else run.table
    if not len(spoken):
        raise ConfigError(f"{run.path.name}: no chunk was timed in it")
    path = Path(target) if target else run.path / USUAL
    cpu = run.summary.provenance["cpu"]
    document = {
        "machine_info": {"node": "", "cpu": {"brand_raw": cpu["model"], "count": cpu["cores"]}},
        "commit_info": {"id": run.labels["commit"], "dirty": run.summary.provenance["code"].get("dirty")},
        "benchmarks": [_benchmark(run, str(name), rows) for name, rows in spoken.groupby("variant", sort=False)],
        "datetime": run.summary.created_utc,
        "version": "5.0.0",  # of the format
    }
    try:
        path.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None
    return [str(path)]


def _benchmark(run: ExportedRun, variant: str, rows: pd.DataFrame) -> dict[str, object]:
    factors = sorted(float(wall / audio) for wall, audio in zip(rows["wall_seconds"], rows["duration"], strict=True))
    q1, median, q3 = statistics.quantiles(factors, n=4) if len(factors) > 1 else factors * 3
    name = f"rtf[{variant}]"
    return {
        "group": run.labels["suite"],
        "name": name,
        "fullname": f"{run.labels['suite']}::{name}",
        "params": {"variant": variant},
        "param": variant,
        "extra_info": {**run.labels, "unit": "wall seconds per second of audio"},
        "options": {"disable_gc": False, "timer": "perf_counter", "min_rounds": 1, "warmup": False},
        "stats": {
            "min": factors[0],
            "max": factors[-1],
            "mean": statistics.fmean(factors),
            "stddev": statistics.stdev(factors) if len(factors) > 1 else 0.0,
            "rounds": len(factors),
            "median": median,
            "iqr": q3 - q1,
            "q1": q1,
            "q3": q3,
            "ops": 1 / statistics.fmean(factors),
            "total": sum(factors),
            "iterations": 1,
            "data": factors,
        },
    }
