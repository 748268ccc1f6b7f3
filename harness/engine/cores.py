"""Which cores there are, how many of them synthesis takes, and how many scoring processes are left to run."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable

from harness.backends import ADAPTERS
from harness.core.errors import ConfigError
from harness.core.records import Variant
from harness.engine.plan import Plan

SERVED = ("http", "websocket")
"""Adapters whose backend may be a server that somebody else started."""

_A_CORE = 4  # scoring processes


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def starts_server(variant: Variant) -> bool:
    """Return whether the variant's server is started for it (key ``start``), not there before."""
    return bool(variant.settings.get("start"))


def synthesis_cores(variant: Variant) -> float:
    """Return how many cores of this machine the backend takes while it speaks.

    That is ``resources.CPU`` where the variant has it, else the adapter's own setting of its threads, else one; none
    for a server that runs already and for recordings.
    """
    if "CPU" in variant.resources:
        return float(variant.resources["CPU"])
    if variant.adapter == "recorded" or (variant.adapter in SERVED and not starts_server(variant)):
        return 0.0
    threads = variant.settings.get(str(getattr(ADAPTERS.get(variant.adapter), "THREADS", "threads")), 1)
    return float(threads) if isinstance(threads, int) and threads > 0 else 1.0


def check_jobs(jobs: int, cores: int) -> None:
    """Raise ConfigError for more scoring processes than ``cores`` could ever serve: each loads recognizers."""
    if jobs > _A_CORE * cores:
        raise ConfigError(f"--jobs {jobs}: at most {_A_CORE * cores}, {_A_CORE} for each of {cores} cores")


def scoring_jobs(plan: Plan) -> tuple[int, int]:
    """Return how many scoring processes run beside synthesis, and how many once nothing is spoken any more.

    ``plan.jobs`` is both where it is given; else the cores that the greediest variant leaves, at least one, and all
    cores afterwards.
    """
    if plan.jobs is not None:
        return plan.jobs, plan.jobs
    cores = usable_cores()
    return max(1, cores - _taken(plan.variants)), cores


def _taken(variants: Iterable[Variant]) -> int:
    return math.ceil(max((synthesis_cores(variant) for variant in variants), default=0.0))
