"""A backend that is away was asked nothing: it is waited for, and what was not spoken is not judged."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
import wave
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.backends import ADAPTERS
from harness.backends.base import BackendAway, BackendRefused
from harness.backends.worker import Worker
from harness.core.errors import ConfigError
from harness.core.records import Arm, Corpus, Outcome, Request, SeedPolicy, Variant
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation, Plan
from harness.engine.preflight import problems
from harness.report import run_summary, write
from harness.report.headline import headlines
from harness.store import Run


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spoken() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1), out.setsampwidth(2), out.setframerate(16000)  # type: ignore[func-returns-value]
        out.writeframes(b"\x10\x20" * 4000)
    return file.getvalue()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = spoken()
        self.server.asked += 1  # type: ignore[attr-defined]
        leaves = self.server.asked == self.server.leaves_after  # type: ignore[attr-defined]
        if leaves:  # before the answer, so that the next request finds nobody
            self.server.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-type", "audio/wav")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if leaves:
            threading.Thread(target=_leave, args=(self.server,), daemon=True).start()

    def log_message(self, *_: object) -> None: ...


def _leave(server: Any) -> None:
    server.shutdown()
    server.server_close()
    server.left.set()


def served(port: int, leaves_after: int = 0) -> Any:
    server: Any = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.asked, server.leaves_after, server.left = 0, leaves_after, threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture
def corpus() -> Corpus:
    return load_corpus("generated:seed=5,chunks=5")


def http(port: int, **more: Any) -> Variant:
    return Variant("mine", "http", {"url": f"http://127.0.0.1:{port}"}, seed_policy=SeedPolicy.NONE, **more)


def plan_of(tmp_path: Path, corpus: Corpus, variant: Variant, patience: float, **more: Any) -> Plan:
    chosen = {variant.name: tuple(chunk.id for chunk in corpus.chunks)}
    return replace(
        Plan("stress", corpus, (variant,), chosen, tmp_path / "reports", quiet_chunks=0, patience=patience), **more
    )


def test_a_server_that_is_down_is_not_a_fault_of_any_text(tmp_path: Path, corpus: Corpus) -> None:
    path = Engine(plan_of(tmp_path, corpus, http(free_port()), 0.3)).run()
    run = Run.open(path)
    assert run.attempts() == []  # nothing was asked
    (event,) = run.events("backend away")
    assert event.data["reason"].startswith("backend away for 0.3 s: no connection")
    row = run_summary(run).variants["mine"]
    assert (row.faulty, row.confirmed, row.not_judged) == (0, 0, 5)
    assert list(row.not_judged_because) == [event.data["reason"]]
    page = (write(path), (path / "report.html").read_text())[1]
    assert "--resume" in page and "5 chunks were not spoken" in page
    assert run.claims() == []  # nothing was asked: there is nothing to claim


def test_a_server_that_comes_back_is_waited_for(tmp_path: Path, corpus: Corpus) -> None:
    port = free_port()
    first = served(port, leaves_after=2)
    later: list[Any] = []

    def back() -> None:
        first.left.wait(20)
        time.sleep(0.7)
        later.append(served(port))

    threading.Thread(target=back, daemon=True).start()
    run = Run.open(Engine(plan_of(tmp_path, corpus, http(port), 30.0)).run())
    attempts = run.attempts(arm=Arm.SOAK)
    assert [a.outcome for a in attempts] == [Outcome.OK] * 5
    assert [a.epoch for a in attempts] == [0, 0, 1, 1, 1]  # a server that was started again has lost its state
    _leave(later[0])


def test_replays_that_meet_no_server_leave_a_finding_suspected(tmp_path: Path, corpus: Corpus) -> None:
    port = free_port()
    server = served(port, leaves_after=5)  # speaks the session, and is gone for the replays
    plan = plan_of(tmp_path, corpus, http(port), 0.2, scorers={"signal": {}}, confirmation=Confirmation())
    run = Run.open(Engine(plan).run())
    server.left.wait(10)
    findings = [finding for verdict in run.verdicts(arm=Arm.SOAK).values() for finding in verdict.findings]
    assert findings, "a constant is no speech"
    assert {(f.confirmed, f.bound_to) for f in findings} == {(None, None)}


def test_resume_goes_on_where_the_server_went(tmp_path: Path, corpus: Corpus) -> None:
    port = free_port()
    plan = plan_of(tmp_path, corpus, http(port), 0.2)
    server = served(port, leaves_after=2)
    path = Engine(plan).run()
    server.left.wait(10)
    assert len(Run.open(path).attempts(arm=Arm.SOAK)) == 2
    back = served(port)
    run = Run.open(Engine(plan).run(path))
    assert [a.outcome for a in run.attempts(arm=Arm.SOAK)] == [Outcome.OK] * 5
    assert "never spoken" not in json.dumps(run_summary(run).variants["mine"].not_judged_because)
    _leave(back)


@pytest.mark.parametrize("address", ["http://nowhere.invalid", "https://127.0.0.1:{port}"])
def test_dns_and_tls_are_the_networks(address: str, tmp_path: Path) -> None:
    port = free_port()
    server = served(port)  # speaks no TLS
    variant = replace(http(port), settings={"url": address.format(port=port)})
    worker = Worker(variant, tmp_path)
    worker.start()
    reply = worker.request(Request("a", "Hello there.", None))
    worker.stop()
    _leave(server)
    assert reply.outcome is Outcome.AWAY and reply.notes["lasting"] is False


def test_a_program_that_never_starts_has_told_nothing_of_a_text(tmp_path: Path, corpus: Corpus) -> None:
    program = tmp_path / "my-tts"
    program.write_bytes(b"\x7fELF\x00\x00 for another machine" + bytes(64))
    program.chmod(0o755)
    variant = Variant("c", "command", {"command": f"{program} {{text}} {{output}}"})
    run = Run.open(Engine(plan_of(tmp_path, corpus, variant, 60.0)).run())  # does not wait: waiting is in vain
    row = run_summary(run).variants["c"]
    assert row.faulty == 0 and row.not_judged == 5
    assert "Exec format error" in next(iter(row.not_judged_because))
    assert headlines(run_summary(run))["c"].word.name in ("BLIND", "LOST")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("echo hello > out.wav\n", "a text without a first line such as #!/bin/sh"),
        ("#!/usr/bin/nope\necho\n", "its first line names '/usr/bin/nope'"),
        ("", "it is empty"),
    ],
)
def test_a_script_that_no_system_starts_is_refused_before_the_run(tmp_path: Path, content: str, problem: str) -> None:
    program = tmp_path / "my-tts"
    program.write_text(content)
    program.chmod(0o755)
    variant = Variant("c", "command", {"command": f"{program} {{text}} {{output}}"})
    with pytest.raises(ConfigError, match=problem):
        ADAPTERS.get("command").check(variant)


def test_a_manifest_without_a_single_id_of_the_corpus_is_refused(tmp_path: Path, corpus: Corpus) -> None:
    (tmp_path / "LJ001-0001.wav").write_bytes(spoken())
    variant = Variant("r", "recorded", {"manifest": str(tmp_path)})
    (problem,) = problems(plan_of(tmp_path, corpus, variant, 0.0))
    assert "none of its 1 ids is in the corpus" in problem and "LJ001-0001" in problem
    with pytest.raises(ConfigError, match="none of its 1 ids"):
        Engine(plan_of(tmp_path, corpus, variant, 0.0)).run()


def test_every_problem_of_a_plan_is_named_at_once(tmp_path: Path, corpus: Corpus) -> None:
    ids = tuple(chunk.id for chunk in corpus.chunks)
    variants = (Variant("a", "null", {"secnds": 1}), Variant("b", "command", {"command": "nope-tts {text} {output}"}))
    plan = Plan("stress", corpus, variants, {"a": ids, "b": ids}, tmp_path / "reports", margins={"memory": {"warm": 3}})
    said = problems(plan)
    assert len(said) == 3 and "secnds" in said[0] and "nope-tts" in said[1] and "'warm'" in said[2]


def test_a_client_is_not_the_server(tmp_path: Path, corpus: Corpus) -> None:
    """CPU seconds and memory of the worker are those of a client; the speed is what its user waits for."""
    port = free_port()
    server = served(port)
    run = Run.open(Engine(plan_of(tmp_path, corpus, http(port), 5.0)).run())
    _leave(server)
    row = run_summary(run).variants["mine"]
    assert row.peak_memory_bytes is None and row.rtfx.cpu is None
    spoke = run.attempts(arm=Arm.SOAK)
    wall = sum(a.wall_seconds or 0 for a in spoke)
    assert row.rtfx.value == pytest.approx(sum(a.duration or 0 for a in spoke) / wall)
    assert row.streaming.ttfa.chunks == 5


def test_recordings_have_no_speed(tmp_path: Path, corpus: Corpus) -> None:
    for chunk in corpus.chunks:
        (tmp_path / f"{chunk.id}.wav").write_bytes(spoken())
    run = Run.open(Engine(plan_of(tmp_path, corpus, Variant("r", "recorded", {"manifest": str(tmp_path)}), 0.0)).run())
    row = run_summary(run).variants["r"]
    assert row.rtfx.value is None and row.peak_memory_bytes is None
    assert row.not_judged_because and len(run.attempts(arm=Arm.SOAK)) == 5


@pytest.mark.parametrize(
    ("said", "away"),
    [
        ("curl: (7) Failed to connect to 127.0.0.1 port 9 after 0 ms: Connection refused", True),
        ("curl: (6) Could not resolve host: tts.invalid", True),
        ("OSError: [Errno 28] No space left on device", True),
        ("ValueError: cannot speak the letter U+1F600", False),
    ],
)
def test_a_program_that_says_it_was_not_the_text_is_believed(tmp_path: Path, said: str, away: bool) -> None:
    program = tmp_path / "my-tts"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 7\n")
    program.chmod(0o755)
    variant = Variant("c", "command", {"command": f"{program} {{text}} {{output}}"})
    backend: Any = ADAPTERS.get("command")()
    backend.load(variant)
    with pytest.raises(BackendAway if away else BackendRefused, match="exit 7") as error:
        backend.synthesize(Request("a", "Hello.", None), lambda: None)
    backend.close()
    assert not getattr(error.value, "lasting", False)


def test_a_callable_that_meets_no_server_is_away(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import urllib.request\n"
        f"def speak(text): return urllib.request.urlopen('http://127.0.0.1:{free_port()}').read()\n"
    )
    settings = {"call": "mine.py:speak", "arguments": {"text": "{text}"}}
    worker = Worker(Variant("p", "python", settings, source=str(tmp_path / "v.toml")), tmp_path)
    worker.start()
    reply = worker.request(Request("a", "Hello there.", None))
    worker.stop()
    assert reply.outcome is Outcome.AWAY and "refused" in reply.detail


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield
