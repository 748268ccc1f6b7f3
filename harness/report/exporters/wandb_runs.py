"""Weights & Biases: one W&B run a variant (extra ``wandb``), offline unless W&B's own settings say otherwise."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from harness.core.errors import ConfigError, need_packages
from harness.report.exporters.base import ExportedRun

PROJECT = "tts-soak"


def log_to_wandb(run: ExportedRun, target: str | None) -> list[str]:
    """Log figures and labels of each variant, and keep summary.json and report.html with it.

    ``target`` is a directory: W&B writes below its ``wandb`` folder, from where ``wandb sync`` uploads; None: the run's
    own directory. Nothing is sent unless WANDB_MODE says ``online``; the project is WANDB_PROJECT, else ``tts-soak``.
    Raises MissingExtra without wandb, ConfigError with its first line where it cannot write or send.
    """
    need_packages("'tts-soak[wandb]'", "wandb")
    import wandb

    folder = Path(target) if target is not None else run.path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_log(wandb, folder, run, variant, figures) for variant, figures in run.figures().items()]
    except Exception as error:  # W&B raises its own, requests' and the file system's
        first = (str(error).splitlines() or [""])[0]
        raise ConfigError(f"wandb at {folder}: {type(error).__name__}: {first}") from None


def _log(wandb: ModuleType, folder: Path, run: ExportedRun, variant: str, figures: dict[str, float]) -> str:
    tracked = wandb.init(
        dir=folder,
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        mode=os.environ.get("WANDB_MODE", "offline"),
        name=f"{variant} {run.labels['run']}",
        group=run.labels["run"],
        job_type=run.labels["suite"],
        config={**run.labels, "variant": variant},
        settings=wandb.Settings(console="off", silent=True, disable_git=True, disable_code=True, x_disable_stats=True),
        reinit=True,
    )
    try:
        tracked.summary.update(figures)
        for name in ("summary.json", "report.html"):
            if (run.path / name).is_file():
                tracked.save(str(run.path / name), base_path=str(run.path), policy="now")
    finally:
        tracked.finish()
    return f"{Path(tracked.dir).parent}: run {tracked.id} of {variant}"
