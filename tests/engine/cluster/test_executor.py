"""Sessions on a real Ray cluster of two nodes on this machine: a node that is lost, what is refused, resume, shards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import ConfigError
from harness.core.records import Arm, Outcome, Variant
from harness.engine.cluster.nodes import connect
from harness.engine.engine import Engine
from harness.engine.parts import session_parts
from harness.engine.preflight import problems
from harness.report import run_summary
from harness.store import Run
from tests.plugin.test_night import kept, night
from tools.cluster import kill_half_way, plan_of, verdicts_of

pytest.importorskip("ray", reason="the extra 'ray' is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_a_node_that_is_lost_costs_the_attempts_in_flight_and_nothing_else(cluster: Any, tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "local", 24, 0.2)
    expected = verdicts_of(Engine(plan).run())
    node = cluster.add_node(num_cpus=2)
    there = replace(plan, reports=tmp_path / "cluster", ray=cluster.address)
    killer = kill_half_way(there.reports, 48, lambda: cluster.remove_node(node, allow_graceful=False))
    path = Engine(there).run()
    killer.join(5)
    assert not killer.is_alive()
    with Run.open(path) as run:
        attempts = run.attempts()
        soaked = [a for a in attempts if a.arm == Arm.SOAK]
        lost = [a for a in attempts if a.arm == Arm.LOST]
        assert sorted((a.variant, a.chunk_id) for a in soaked) == sorted(expected)  # each once
        assert {a.outcome for a in soaked} == {Outcome.OK}
        assert len(lost) <= 1 and all(a.outcome is Outcome.LOST and "node" in a.detail for a in lost)
        assert run.verify() == []
        for row in run.sessions():
            own = [a for a in attempts if a.session == row.id]
            assert [a.sequence for a in own] == list(range(len(own)))  # in session order, nothing between
            assert [a.chunk_id for a in own if a.arm == Arm.SOAK] == list(row.chunk_ids)
            epochs = run.epochs(row.id)
            if any(a.session == row.id for a in lost):
                assert epochs[-1].reason == "its node was lost"
                assert epochs[-1].capabilities["details"]["node"] != epochs[0].capabilities["details"]["node"]
        assert run.status == "finished"
    assert verdicts_of(path) == expected


def test_a_run_begun_here_is_resumed_on_the_cluster_and_the_other_way(cluster: Any, tmp_path: Path) -> None:
    whole = plan_of(tmp_path, 6, 0.0)
    plan = replace(whole, variants=whole.variants[:1])
    for first, second in ((None, cluster.address), (cluster.address, None)):

        class Cut(Exception):
            pass

        class Watcher:
            count = 0

            def tick(self, tick: Any) -> None:
                self.count += 1
                if self.count == 3:
                    raise Cut

            def say(self, message: str) -> None:
                pass

        there = replace(plan, reports=tmp_path / str(first is None))
        with pytest.raises(Cut):
            Engine(replace(there, ray=first), Watcher()).run()
        (begun,) = there.reports.glob("2*")
        with Run.open(begun) as run:
            before = run.attempts()
        assert 0 < len(before) < 6
        path = Engine(replace(there, ray=second)).run(begun)
        with Run.open(path) as run:
            soaked = run.attempts(arm=Arm.SOAK)
            assert [a.chunk_id for a in soaked] == [chunk.id for chunk in plan.corpus.chunks]
            assert [a.id for a in soaked[: len(before)]] == [a.id for a in before]
            assert len(run.sessions()) == 1 and run.verify() == []


def test_shards_are_consecutive_sessions_and_the_report_says_so(cluster: Any, tmp_path: Path) -> None:
    plan = replace(plan_of(tmp_path, 7, 0.0), shards=3, ray=cluster.address)
    with Run.open(Engine(plan).run()) as run:
        sessions = {row.id: row for row in run.sessions() if row.variant == "v1"}
        assert [len(row.chunk_ids) for row in sessions.values()] == [2, 2, 3]
        cut = [chunk_id for row in sessions.values() for chunk_id in row.chunk_ids]
        assert cut == [chunk.id for chunk in plan.corpus.chunks]
        for number, row in sessions.items():
            assert [a.chunk_id for a in run.attempts(session=number)] == list(row.chunk_ids)
        (note,) = [note for note in run_summary(run).notes if "shards" in note]
    assert "3 shards" in note and "clean state" in note


def test_a_night_speaks_and_scores_its_suites_on_the_cluster(cluster: Any, tmp_path: Path) -> None:
    plan = """
    [suites]
    canary = { variants = ["b"], chunks = 4, gate = true, scorers = "signal", margins = { faults = ["nan-inf"] } }
    stress = { chunks = 3, quiet_chunks = 0, confirm = false, scorers = "signal" }
    """
    done = night(tmp_path, plan, "--ray", cluster.address)
    (record,) = kept(tmp_path)
    assert [part["suite"] for part in record["suites"]] == ["canary", "stress"], done.stdout
    assert done.returncode == record["exit"] == 0, done.stdout
    for part, variants in zip(record["suites"], ({"b"}, {"a", "b"}), strict=True):
        with Run.open(tmp_path / "reports" / part["run"]) as run:
            sessions = [row for row in run.sessions() if row.arm == Arm.SOAK]
            assert {row.variant for row in sessions} == variants
            nodes = [epoch.capabilities["details"].get("node") for row in sessions for epoch in run.epochs(row.id)]
            assert nodes and all(nodes)
            assert len(run.verdicts()) == sum(len(row.chunk_ids) for row in sessions)


def test_a_night_without_its_cluster_is_one_line_before_anything_is_spoken(tmp_path: Path) -> None:
    done = night(tmp_path, "[suites]\nstress = { chunks = 2, scorers = 'signal' }", "--ray", "127.0.0.1:1")
    assert done.returncode == 4, done.stdout
    assert "nothing listens there" in done.stdout and "Traceback" not in done.stdout
    assert not list((tmp_path / "reports").glob("2*"))


def test_what_no_node_has_is_refused_before_anything_is_spoken(cluster: Any, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 2, 0.0)
    greedy = tuple(replace(variant, resources={"GPU": 2.0}) for variant in plan.variants[:1])
    lines = problems(replace(plan, variants=greedy, ray=cluster.address))
    assert lines == ["variant 'v1' takes CPU 1, GPU 2; no node of the cluster has that"]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "nothing listens there"),
        ("nowhere", "must be auto or HOST:PORT"),
        ("ray://127.0.0.1:10001", "must be driven from a node of the cluster"),
    ],
)
def test_an_address_without_a_cluster_is_one_line(address: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        connect(address)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 4


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install tts-soak\[ray\]"):
        connect("auto")


def test_parts_of_a_corpus_never_outnumber_its_chunks(tmp_path: Path) -> None:
    plan = replace(plan_of(tmp_path, 2, 0.0), shards=9)
    assert [len(part.chunks) for part in session_parts(plan, Variant("v1", "null"))] == [1, 1]
