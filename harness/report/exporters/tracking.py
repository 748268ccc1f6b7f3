"""MLflow: a run of the harness as a tracked experiment, one MLflow run a variant (extra ``mlflow``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.errors import ConfigError, need_packages
from harness.report.exporters.base import ExportedRun

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "tts-soak"


def log_to_mlflow(run: ExportedRun, target: str | None) -> list[str]:
    """Log figures, labels, summary.json and report.html of each variant to the tracking server ``target``.

    Without one, to where MLflow's own settings (MLFLOW_TRACKING_URI) lead. The experiment is ``tts-soak``. Raises
    MissingExtra without mlflow, ConfigError with MLflow's first line where it cannot be reached or refuses.
    """
    need_packages("'tts-soak[mlflow]'", "mlflow")
    from mlflow import MlflowClient

    try:
        client = MlflowClient(tracking_uri=target)
        experiment = _experiment(client)
        lines = [
            f"{client.tracking_uri}: run {_log(client, experiment, run, variant, figures)} of {variant}"
            for variant, figures in run.figures().items()
        ]
    except Exception as error:  # MLflow raises its own, requests' and the file system's
        first = (str(error).splitlines() or [""])[0]
        raise ConfigError(f"mlflow{f' at {target}' if target else ''}: {type(error).__name__}: {first}") from None
    return lines


def _experiment(client: MlflowClient) -> str:
    existing = client.get_experiment_by_name(EXPERIMENT)
    return str(existing.experiment_id if existing is not None else client.create_experiment(EXPERIMENT))


def _log(client: MlflowClient, experiment: str, run: ExportedRun, variant: str, figures: dict[str, float]) -> str:
    tags = {f"tts_soak.{key}": value for key, value in {**run.labels, "variant": variant}.items()}
    tracked = client.create_run(experiment, run_name=f"{variant} {run.labels['run']}", tags=tags)
    key = str(tracked.info.run_id)
    for name, value in figures.items():
        client.log_metric(key, name, value)
    for name in ("summary.json", "report.html"):
        if (run.path / name).is_file():
            client.log_artifact(key, str(run.path / name))
    client.set_terminated(key, "FINISHED" if run.summary.status == "finished" else "KILLED")
    return key
