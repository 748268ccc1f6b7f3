"""A Ray cluster as an executor: sessions on nodes that have what they need, scorers on the cores that are left."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from harness.core.errors import ConfigError
from harness.core.records import Variant
from harness.engine.cluster.nodes import connect, living_nodes, probe, serves
from harness.engine.cluster.scoring import ClusterSeat
from harness.engine.cluster.worker import ActorShelf, ClusterWorker, needed, session_need
from harness.engine.cores import check_jobs
from harness.engine.parts import session_parts
from harness.engine.plan import Plan
from harness.engine.session import WorkerLike


class ClusterExecutor:
    """One session an actor, scoring in actors beside; all sessions of a run at the same time, as far as there is room.

    Raises ConfigError where Ray is not installed or no cluster answers.
    """

    together = True

    def __init__(self, address: str) -> None:
        self._ray = connect(address)
        self._shelf = ActorShelf(self._ray)
        self._probed: set[str] = set()

    def check(self, plan: Plan) -> None:
        """Raise ConfigError for what no node has, for nodes that hold something else, and for too many ``--jobs``."""
        nodes = living_nodes(self._ray)
        lines = [
            f"variant {variant.name!r} takes {needed(need)}; no node of the cluster has that"
            for variant in plan.variants
            if not any(serves(need := session_need(variant), node) for node in nodes)
        ]
        if plan.jobs is not None:
            check_jobs(plan.jobs, self._cores())
        if str(plan.variants) not in self._probed:
            lines += probe(self._ray, plan.variants)
            self._probed |= set() if lines else {str(plan.variants)}
        if lines:
            raise ConfigError("\n".join(lines))

    def worker(self, variant: Variant, workdir: Path, say: Callable[[str], None], *, apart: bool = False) -> WorkerLike:
        """Return a worker that will be placed on a node; ``apart``: where the one before it was, if it was alike."""
        if not apart:
            self._shelf.clear()
        return ClusterWorker(self._ray, variant, say, self._shelf if apart else None)

    def rest(self) -> None:
        """End the actor that is kept for the next worker."""
        self._shelf.clear()

    def seats(self, plan: Plan, logs: Path) -> tuple[Sequence[ClusterSeat], int]:
        """Return scorers on the cores that the sessions leave, at least one, and as many more once all is spoken.

        They are counted here and take no core by Ray's count: where nodes are lost, a session must find room.
        """
        cores = self._cores()
        sessions = sum(session_need(v)["CPU"] for v in plan.variants for _ in session_parts(plan, v))
        beside = plan.jobs or max(1, cores - math.ceil(sessions))
        return [ClusterSeat(self._ray, plan.scorers) for _ in range(plan.jobs or max(cores, beside))], beside

    def _cores(self) -> int:
        return max(1, int(sum(node.resources.get("CPU", 0.0) for node in living_nodes(self._ray))))


@cache
def cluster_executor(address: str) -> ClusterExecutor:
    """Return the executor of the cluster at ``address``, the same one for all runs of this process."""
    return ClusterExecutor(address)
