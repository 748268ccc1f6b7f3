"""A run on a Ray cluster of this machine, beside the same run without Ray; a node may be killed half-way.

    python -m tools.cluster --nodes 2 --chunks 150 --kill --out DIR         # what a lost node costs: attempts in flight
    python -m tools.cluster --nodes 1 --variants 1 --seconds 1 --out DIR    # overhead: wall time beside the local run's

Variants of the null backend with speech tokens, ``--seconds`` of waiting a request, ``signal`` and ``tokens``
scored. Prints one line of JSON, kept as DIR/cluster.json; exits 1 where an attempt is lost or doubled, or a verdict
differs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.core.records import Arm, Variant, Verdict
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation, Plan
from harness.store import Run


@dataclass(frozen=True)
class ClusterRun:
    """What a run on the cluster gave, beside the local one. Seconds are wall time of the whole run."""

    nodes: int
    cpus_a_node: int
    attempts_asked: int
    on_record: int
    lost: int
    doubled: int
    in_flight: int  # attempts journalled as lost with a node
    worker_runs: int  # of the soak's sessions; more than the sessions where a node went away
    verdicts_unlike: int
    problems: list[str]  # of the record
    local_seconds: float
    cluster_seconds: float

    @property
    def whole(self) -> bool:
        """Return whether all is there once, with the verdicts of a local run."""
        return not (self.lost or self.doubled or self.verdicts_unlike or self.problems)


def plan_of(out: Path, chunks: int, seconds: float, variants: int = 2) -> Plan:
    """Return the plan of both runs: so many variants of one session each."""
    corpus = load_corpus(f"generated:seed=1,chunks={chunks}")
    ids = tuple(chunk.id for chunk in corpus.chunks)
    settings = {"tokens": True, "mode": "speechlike", "seconds_per_word": 0.1, "delay": seconds}
    spoken = tuple(Variant(f"v{number}", "null", settings, seed=number) for number in range(1, variants + 1))
    return Plan(
        suite="stress",
        corpus=corpus,
        variants=spoken,
        selection={variant.name: ids for variant in spoken},
        reports=out,
        scorers={"signal": {}, "tokens": {}},
        confirmation=Confirmation(enabled=False),
        quiet_chunks=0,
    )


@contextlib.contextmanager
def cluster_of(nodes: int, cpus: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """Start a cluster of this machine; yields its address and what kills its last node, workers and all."""
    import ray
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus})
    try:
        others = [cluster.add_node(num_cpus=cpus) for _ in range(nodes - 1)]
        yield cluster.address, lambda: cluster.remove_node(others[-1], allow_graceful=False)
    finally:
        ray.shutdown()
        cluster.shutdown()


def kill_half_way(reports: Path, attempts: int, kill: Callable[[], None]) -> threading.Thread:
    """Return a thread that calls ``kill`` once half of the attempts are acknowledged; for 10 minutes at most."""

    def watch() -> None:
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            logs = list(reports.glob("2*/acknowledged.log"))
            if logs and len(logs[0].read_text(encoding="utf-8").splitlines()) >= attempts // 2:
                kill()
                return
            time.sleep(0.2)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def verdicts_of(path: Path) -> dict[tuple[str, str], Verdict]:
    """Return the verdict of each chunk, by variant and chunk id."""
    with Run.open(path) as run:
        verdicts = run.verdicts(arm=Arm.SOAK)
        return {(a.variant, a.chunk_id): verdicts[a.id or 0] for a in run.attempts(arm=Arm.SOAK) if a.id in verdicts}


def race(plan: Plan, nodes: int, cpus: int, kill: bool) -> ClusterRun:
    """Carry out a plan here and on a cluster of ``nodes`` x ``cpus``; ``kill`` its last node half-way."""
    asked = sum(len(ids) for ids in plan.selection.values())
    began = time.monotonic()
    here = Engine(replace(plan, reports=plan.reports / "local")).run()
    local = time.monotonic() - began
    with cluster_of(nodes, cpus) as (address, kill_node):
        there = replace(plan, reports=plan.reports / "cluster", ray=address)
        if kill:
            kill_half_way(there.reports, asked, kill_node)
        began = time.monotonic()
        path = Engine(there).run()
        remote = time.monotonic() - began
    expected, given = verdicts_of(here), verdicts_of(path)
    with Run.open(path) as run:
        soaked = [(a.variant, a.chunk_id) for a in run.attempts(arm=Arm.SOAK)]
        return ClusterRun(
            nodes=nodes,
            cpus_a_node=cpus,
            attempts_asked=asked,
            on_record=len(soaked),
            lost=asked - len(set(soaked)),
            doubled=len(soaked) - len(set(soaked)),
            in_flight=len(run.attempts(arm=Arm.LOST)),
            worker_runs=sum(len(run.epochs(row.id)) for row in run.sessions() if row.arm == Arm.SOAK),
            verdicts_unlike=sum(given.get(key) != verdict for key, verdict in expected.items()),
            problems=run.verify(),
            local_seconds=round(local, 1),
            cluster_seconds=round(remote, 1),
        )


def main() -> int:
    """Run as the arguments say; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=2, help="of each node, by Ray's count")
    parser.add_argument("--chunks", type=int, default=150, help="of each variant")
    parser.add_argument("--variants", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.02, help="that a request waits")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    result = race(plan_of(asked.out, asked.chunks, asked.seconds, asked.variants), asked.nodes, asked.cpus, asked.kill)
    text = json.dumps(asdict(result))
    (asked.out / "cluster.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return int(not result.whole)


if __name__ == "__main__":
    sys.exit(main())
