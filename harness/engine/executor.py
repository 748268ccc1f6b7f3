"""Where a plan's workers live and its attempts are scored: on this machine, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from harness.backends.worker import Worker
from harness.core.records import Variant
from harness.engine.cores import check_jobs, scoring_jobs, usable_cores
from harness.engine.plan import Plan
from harness.engine.scoring import ScoringProcess
from harness.engine.scoring.pool import ScoringSeat
from harness.engine.session import WorkerLike


class Executor(Protocol):
    """What computes. The journal stays with the process that drives the run, whatever the executor."""

    together: bool
    """Whether all sessions of a run are spoken at the same time."""

    def check(self, plan: Plan) -> None:
        """Raise ConfigError, one line a problem, for a plan that cannot be carried out here."""
        ...

    def worker(self, variant: Variant, workdir: Path, say: Callable[[str], None], *, apart: bool = False) -> WorkerLike:
        """Return a worker that is not started yet. ``apart``: nobody else speaks meanwhile; ``say``: told of waits."""
        ...

    def rest(self) -> None:
        """Give back what was kept for the next worker of a run that is over."""
        ...

    def seats(self, plan: Plan, logs: Path) -> tuple[Sequence[ScoringSeat], int]:
        """Return where attempts are scored, and how many of these places work while something is spoken."""
        ...


class LocalExecutor:
    """Processes of this machine."""

    together = False

    def check(self, plan: Plan) -> None:
        """Raise ConfigError for more scoring processes than the cores could serve."""
        if plan.jobs is not None:
            check_jobs(plan.jobs, usable_cores())

    def worker(self, variant: Variant, workdir: Path, say: Callable[[str], None], *, apart: bool = False) -> WorkerLike:
        """Return a worker in a process tree of its own."""
        return Worker(variant, workdir)

    def rest(self) -> None:
        """Keep nothing."""

    def seats(self, plan: Plan, logs: Path) -> tuple[Sequence[ScoringSeat], int]:
        """Return scoring processes, one a core or as many as the plan says."""
        beside, alone = scoring_jobs(plan)
        return [ScoringProcess(plan.scorers, logs / f"scoring-{number + 1}.log") for number in range(alone)], beside


def executor_of(plan: Plan) -> Executor:
    """Return what carries out a plan. Raises ConfigError where it needs Ray and there is none, or no cluster."""
    if plan.ray is None:
        return LocalExecutor()
    from harness.engine.cluster.executor import cluster_executor

    return cluster_executor(plan.ray)
