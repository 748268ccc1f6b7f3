"""Where a finished run can be sent: one exporter a file, and those of installed packages. Listing imports none."""

from __future__ import annotations

from harness.core.registry import Registry
from harness.report.exporters.base import ExportedRun, Exporter, open_run

EXPORTERS: Registry[Exporter] = Registry("exporter", "tts_soak.exporters", ("__call__",))
EXPORTERS.add("benchmark", "harness.report.exporters.benchmark:write_benchmark")
EXPORTERS.add("mlflow", "harness.report.exporters.tracking:log_to_mlflow")
EXPORTERS.add("prometheus", "harness.report.exporters.prometheus:write_prometheus")
EXPORTERS.add("wandb", "harness.report.exporters.wandb_runs:log_to_wandb")

__all__ = ["EXPORTERS", "ExportedRun", "Exporter", "open_run"]
