"""Experiments beyond the soak: one a file, selected by the name of the suite's folder (layer 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.core.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from harness.engine.plan import Plan
    from harness.engine.progress import Progress

# run_SUITE(plan, progress, run to resume or None) -> run directory
EXPERIMENTS: Registry[Callable[[Plan, Progress, Path | None], Path]] = Registry("experiment")
for _name, _target in {
    "determinism": "harness.experiments.determinism.run:run_determinism",
    "quantization": "harness.experiments.quantization.run:run_quantization",
    "sentences": "harness.experiments.quantization.run:run_quantization",
    "sweep": "harness.experiments.sweep:run_sweep",
    "ladder": "harness.experiments.ladder.run:run_ladder",
    "isolation": "harness.experiments.isolation.run:run_isolation",
    "parity": "harness.experiments.parity.run:run_parity",
    "canary": "harness.experiments.canary:run_canary",
    "sensitivity": "harness.experiments.sensitivity.run:run_sensitivity",
}.items():
    EXPERIMENTS.add(_name, _target)
