"""Experiments beyond the soak: one a file, selected by the name of the suite's folder (layer 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from harness.engine.plan import Plan
    from harness.engine.progress import Progress

# carry_out(plan, progress, run to resume or None) -> run directory
EXPERIMENTS: Registry[Callable[[Plan, Progress, Path | None], Path]] = Registry("experiment")
for _name, _target in {
    "determinism": "harness.experiments.determinism:carry_out",
    "quantization": "harness.experiments.quantization:carry_out",
    "sentences": "harness.experiments.quantization:carry_out",
    "sweep": "harness.experiments.sweep:carry_out",
    "ladder": "harness.experiments.ladder:carry_out",
    "isolation": "harness.experiments.isolation:carry_out",
    "parity": "harness.experiments.parity:carry_out",
    "canary": "harness.experiments.canary:carry_out",
    "sensitivity": "harness.experiments.sensitivity:carry_out",
}.items():
    EXPERIMENTS.add(_name, _target)
