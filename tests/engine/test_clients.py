"""Several clients of one server at once: all of what they hear is scored, and the table says what they got."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness import terminal
from harness.core.records import Arm, Corpus, Outcome, Variant
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.preflight import problems
from harness.report import run_summary
from harness.store import Run
from tests.engine.test_session_backend_away import _Handler, _leave, free_port, http, plan_of, served


@pytest.fixture
def corpus() -> Corpus:
    return load_corpus("generated:seed=5,chunks=8")


class _Slow(_Handler):
    def do_POST(self) -> None:
        server: Any = self.server
        with server.lock:
            server.now += 1
            server.most = max(server.most, server.now)
        time.sleep(0.4)
        with server.lock:
            server.now -= 1
        super().do_POST()


def test_what_several_clients_hear_is_scored(tmp_path: Path, corpus: Corpus) -> None:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    server.asked, server.leaves_after, server.left = 0, 0, threading.Event()
    server.lock, server.now, server.most = threading.Lock(), 0, 0
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    plan = replace(plan_of(tmp_path, corpus, http(server.server_address[1]), 5.0), clients=4, scorers={"signal": {}})
    run = Run.open(Engine(plan).run())
    _leave(server)
    assert server.most >= 2  # they really asked at once
    attempts = run.attempts(arm=Arm.SOAK)
    assert sorted(a.chunk_id for a in attempts) == sorted(chunk.id for chunk in corpus.chunks)
    assert {a.outcome for a in attempts} == {Outcome.OK} and len({a.session for a in attempts}) == 4
    assert run.verify() == []
    assert set(run.verdicts(arm=Arm.SOAK)) == {a.id for a in attempts}
    summary = run_summary(run)
    load = summary.variants["mine"].load
    assert load.clients == 4 and load.requests_per_second > 0 and load.audio_per_second > 0
    table = terminal.verdict_table(summary, 200)
    assert "requests/s" in table and "TTFA p50 (p95)" in table


def test_clients_that_meet_no_server_are_resumed(tmp_path: Path, corpus: Corpus) -> None:
    port = free_port()
    plan = replace(plan_of(tmp_path, corpus, http(port), 0.3), clients=3)
    path = Engine(plan).run()
    row = run_summary(Run.open(path)).variants["mine"]
    assert row.faulty == 0 and next(iter(row.not_judged_because)).startswith("backend away for 0.3 s")
    server = served(port)
    run = Run.open(Engine(plan).run(path))
    _leave(server)
    assert [a.outcome for a in run.attempts(arm=Arm.SOAK)] == [Outcome.OK] * 8


@pytest.mark.parametrize(
    ("variant", "why"),
    [
        (Variant("n", "null"), "is no server"),
        (Variant("s", "http", {"url": "http://127.0.0.1:{port}", "start": ["python3"]}), "starts a server of its own"),
    ],
)
def test_clients_without_a_server_are_refused(tmp_path: Path, corpus: Corpus, variant: Variant, why: str) -> None:
    (problem,) = problems(replace(plan_of(tmp_path, corpus, variant, 1.0), clients=2))
    assert f"variant {variant.name!r} {why}" in problem and "several clients need a running one" in problem
