"""The loopback speech server and the clients that load one: formats, streaming, refusals, a server that is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from harness.backends.http import HttpBackend
from harness.core.errors import ConfigError, StoreError
from harness.core.records import Corpus, Request, Synthesis, Variant
from harness.corpora import load_corpus
from harness.engine.serve.clients import Load, run_load
from harness.engine.serve.load_figures import load_summary
from harness.engine.serve.run import serve_until_stopped
from harness.engine.serve.server import SpeechServer, check_loopback
from harness.engine.serve.voices import WorkerPool
from tests._places import ROOT

EMBEDDED = ROOT / "voices" / "duo" / "q4_k_s.gguf"


class _Serving:
    """A null backend behind the server, in this process."""

    def __init__(
        self, folder: Path, *, count: int = 1, waiting: int = 16, key: str | None = None, **settings: Any
    ) -> None:
        variant = Variant("n", "null", {"seconds_per_word": 0.05, **settings}, progress_timeout=5.0)
        self.voices = WorkerPool(variant, folder / "serving", count, waiting)
        self.server = SpeechServer("127.0.0.1", 0, self.voices, "n", key)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> _Serving:
        self.voices.start()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def ask(self, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/audio/speech", json={"input": "hello there", **body}, timeout=30.0)

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.voices.stop()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[_Serving]:
    with _Serving(tmp_path) as server:
        yield server


def _heard(url: str, text: str, **settings: Any) -> Synthesis:
    backend, variant = HttpBackend(), Variant("v", "http", {"url": url, **settings})
    backend.load(variant)
    try:
        return backend.synthesize(Request("c", text, 5), lambda: None)
    finally:
        backend.close()


# ----------------------------------------------------------------------------------------- the server
@pytest.mark.parametrize("name", ["wav", "pcm", "flac", "mp3", "opus"])
def test_every_format_carries_the_same_speech(serving: _Serving, name: str) -> None:
    spoken = _heard(serving.url, "one two three four five six", response_format=name)
    assert spoken.samples is not None and spoken.sample_rate is not None
    assert len(spoken.samples) / spoken.sample_rate == pytest.approx(0.3, abs=0.08)
    assert float(np.sqrt(np.mean(spoken.samples**2))) == pytest.approx(0.21, abs=0.03)


def test_a_streamed_wav_has_open_sizes_that_are_repaired_on_record_and_a_whole_one_true_ones(serving: _Serving) -> None:
    streamed, whole = _heard(serving.url, "one two"), _heard(serving.url, "one two", fields={"stream": False})
    assert streamed.notes["repairs"] and "repairs" not in whole.notes
    assert streamed.samples is not None and whole.samples is not None
    np.testing.assert_array_equal(streamed.samples, whole.samples)


def test_a_long_text_comes_piece_by_piece(serving: _Serving) -> None:
    text = (
        "The first sentence has some words in it. The second one has more words in it than that. And a third one ends."
    )
    spoken = _heard(serving.url, text, response_format="pcm")
    assert spoken.notes["http"]["pieces"] >= 2
    assert spoken.ttfa is not None and spoken.notes["http"]["underruns"] is not None


def test_the_seed_is_heard(serving: _Serving) -> None:
    first, again, other = (serving.ask(seed=seed).content for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"input": ""}, 400, "invalid_input"),
        ({"input": 3}, 400, "invalid_input"),
        ({"response_format": "ogg"}, 400, "invalid_format"),
        ({"seed": -1}, 400, "invalid_seed"),
        ({"seed": True}, 400, "invalid_seed"),
        ({"voice": 3}, 400, "invalid_voice"),
        ({"response_format": "mp3", "stream": True}, 400, "invalid_stream"),
        ({"input": "x" * (1 << 20)}, 413, "invalid_length"),
    ],
)
def test_a_wrong_request_is_refused_with_its_reason(
    serving: _Serving, body: dict[str, Any], status: int, code: str
) -> None:
    answer = serving.ask(**body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert serving.ask().status_code == 200


def test_what_is_no_json_and_what_is_not_there(serving: _Serving) -> None:
    for content in (b"{", b"[]"):
        headers = {"content-type": "application/json"}
        answer = httpx.post(f"{serving.url}/v1/audio/speech", content=content, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
    assert httpx.get(f"{serving.url}/nothing").status_code == 404
    assert httpx.get(f"{serving.url}/v1/models").json()["data"][0]["id"] == "n"
    assert httpx.get(f"{serving.url}/healthz").json()["status"] == "ok"


def test_a_dead_backend_is_a_500_and_is_replaced(tmp_path: Path) -> None:
    with _Serving(tmp_path, fail=[{"kind": "crash", "every": 2}]) as serving:
        answers = [serving.ask(stream=False) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    assert "SIGSEGV" in answers[1].json()["error"]["message"]


def test_too_many_at_once_are_asked_to_come_again(tmp_path: Path) -> None:
    with _Serving(tmp_path, waiting=0, delay=1.0) as serving:
        answers: list[httpx.Response] = []
        threads = [threading.Thread(target=lambda: answers.append(serving.ask(stream=False))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 429, 429]
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 429)


def test_a_key_is_asked_for(tmp_path: Path) -> None:
    with _Serving(tmp_path, key="right") as serving:
        url = f"{serving.url}/v1/audio/speech"
        statuses = [
            httpx.post(url, json={"input": "x"}, headers=headers).status_code
            for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer right"})
        ]
    assert statuses == [401, 401, 200]


def test_a_key_whose_variable_is_not_set_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    lines: list[str] = []
    with pytest.raises(ConfigError, match="the environment has no NO_SUCH_KEY"):
        serve_until_stopped(Variant("v", "null"), "127.0.0.1", 0, 1, 1, "NO_SUCH_KEY", lines.append)
    assert not lines


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", ""])
def test_nothing_but_loopback_is_served(host: str) -> None:
    with pytest.raises(ConfigError, match="only loopback"):
        check_loopback(host)


# ---------------------------------------------------------------------------------------- the clients
@pytest.fixture
def corpus() -> Corpus:
    return load_corpus("generated:seed=3,chunks=8")


def _load(url: str, corpus: Corpus, folder: Path, name: str = "pcm", **more: Any) -> Load:
    variant = Variant("h", "http", {"url": url, "response_format": name, "busy_wait": 0.1, "busy_retries": 50})
    return Load(variant, corpus, folder, **{"clients": 4, "requests": 24, **more})


def test_every_request_of_every_client_is_on_record(serving: _Serving, corpus: Corpus, tmp_path: Path) -> None:
    summary = run_load(_load(serving.url, corpus, tmp_path / "out"))
    assert (summary["recorded"], summary["answered"], summary["lost"]) == (24, 24, 0)
    assert summary["ttfa"]["count"] == 24 and summary["ttfa"]["p50"] <= summary["ttfa"]["p99"]
    assert summary["same_audio_for_different_texts"] == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "requests.jsonl").read_text().splitlines()][1:]
    assert sorted(row["request"] for row in rows) == list(range(24))
    assert {row["client"] for row in rows} == {0, 1, 2, 3}


def test_answers_that_are_swapped_between_texts_are_counted() -> None:
    row = {"take": 0, "outcome": "ok", "ttfa": 0.1, "wall": 1.0, "underruns": 0, "audio_seconds": 1.0, "refusals": 0}
    rows = [
        {**row, "request": 0, "chunk": "a", "sha256": "1"},
        {**row, "request": 1, "chunk": "b", "sha256": "1"},
        {**row, "request": 2, "chunk": "c", "sha256": "2"},
        {**row, "request": 3, "chunk": "c", "sha256": "2"},
    ]
    assert load_summary(rows, 5)["same_audio_for_different_texts"] == 1
    assert load_summary(rows, 5)["lost"] == 1


def test_a_failed_request_is_kept_and_asked_once_more(tmp_path: Path, corpus: Corpus) -> None:
    with _Serving(tmp_path, fail=[{"kind": "error", "every": 4}]) as serving:
        summary = run_load(_load(serving.url, corpus, tmp_path / "out", "flac", clients=1, requests=6))
    assert summary["first_takes"] == {"ok": 5, "error": 1}
    assert (summary["asked_again"], summary["answered"], summary["lost"]) == (1, 6, 0)


def test_a_server_killed_in_the_middle_is_recorded_and_the_rest_resumed(tmp_path: Path, corpus: Corpus) -> None:
    """The command line, a real process, SIGKILL, a new server on the same port, --resume."""
    (tmp_path / "v.toml").write_text(
        '[variants.n]\nadapter = "null"\n[variants.n.settings]\nseconds_per_word = 0.05\ndelay = 0.05\n'
    )
    port = _free_port()
    server = _serve(tmp_path, port)
    folder, answer = tmp_path / "out", []

    def load() -> None:
        try:
            run_load(_load(f"http://127.0.0.1:{port}", corpus, folder, requests=60, patience=0.5))
        except StoreError as error:
            answer.append(str(error))

    thread = threading.Thread(target=load)
    thread.start()
    while len(_rows(folder)) < 10 and thread.is_alive():
        time.sleep(0.02)
    server.kill()
    thread.join()
    server.wait()
    before = _rows(folder)
    assert answer and "--resume" in answer[0]
    assert 0 < len(before) < 60 and any(row["detail"].startswith("connection lost") for row in before)
    server = _serve(tmp_path, port)
    try:
        summary = run_load(_load(f"http://127.0.0.1:{port}", corpus, folder, requests=60, resume=True))
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    assert _rows(folder)[: len(before)] == before
    assert (summary["lost"], summary["recorded"], summary["answered"]) == (0, 60, 60)
    assert sum(summary["first_takes"].values()) == 60 and summary["first_takes"]["error"] >= 1


def test_a_torn_line_is_cut_off_and_another_plan_is_refused(serving: _Serving, corpus: Corpus, tmp_path: Path) -> None:
    run_load(_load(serving.url, corpus, tmp_path / "out", requests=8))
    record = tmp_path / "out" / "requests.jsonl"
    with record.open("ab") as file:
        file.write(b'{"request": 9, "ou')
    summary = run_load(_load(serving.url, corpus, tmp_path / "out", requests=8, resume=True))
    assert summary["answered"] == 8 and record.read_bytes().endswith(b"}\n")
    with pytest.raises(ConfigError, match="requests changed"):
        run_load(_load(serving.url, corpus, tmp_path / "out", requests=9, resume=True))
    with pytest.raises(ConfigError, match="already there"):
        run_load(_load(serving.url, corpus, tmp_path / "out", requests=8))


@pytest.mark.skipif(not EMBEDDED.is_file(), reason=f"the embedded voice is not there ({EMBEDDED.name})")
def test_the_embedded_voice_streams(tmp_path: Path) -> None:
    port = _free_port()
    server = _serve(tmp_path, port, "q4_k_s", EMBEDDED.parents[2] / "variants.toml")
    try:
        text = "The lamp was lit before the evening came. Nobody had seen who lit it, and nobody asked. It rained."
        spoken = _heard(f"http://127.0.0.1:{port}", text, response_format="pcm", sample_rate=16000)
    finally:
        server.terminate()
        server.wait(20)
    assert spoken.samples is not None and spoken.samples.size / 16000 > 3.0
    assert float(np.sqrt(np.mean(spoken.samples**2))) > 0.01
    assert spoken.notes["http"]["pieces"] >= 2 and spoken.ttfa is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _serve(folder: Path, port: int, name: str = "n", variants: Path | None = None) -> subprocess.Popen[str]:
    """The command, once it says that it serves."""
    command = [sys.executable, "-m", "harness.cli", "serve", name, "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--variants", str(variants or folder / "v.toml")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(f"serving {name} on http://127.0.0.1:{port}/v1/audio/speech"), line
    return process


def _rows(folder: Path) -> list[dict[str, Any]]:
    record = folder / "requests.jsonl"
    if not record.exists():
        return []
    return [json.loads(line) for line in record.read_text().splitlines()[1:] if line.endswith("}")]


# ------------------------------------------------------------------------------ pages of others, bursts, odd requests
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"host": "evil.example"}, 403, "foreign_host"),
        ({"host": "127.0.0.1.evil.example:80"}, 403, "foreign_host"),
        ({"origin": "http://evil.example"}, 403, "foreign_origin"),
        ({"origin": "null"}, 403, "foreign_origin"),
        ({"sec-fetch-site": "cross-site"}, 403, "foreign_origin"),
        ({"content-type": "text/plain"}, 415, "invalid_content_type"),
        ({"content-type": "application/x-www-form-urlencoded"}, 415, "invalid_content_type"),
    ],
)
def test_a_page_of_somebody_else_cannot_use_the_server(
    serving: _Serving, headers: dict[str, str], status: int, code: str
) -> None:
    answer = httpx.post(
        f"{serving.url}/v1/audio/speech",
        content=b'{"input": "hi"}',
        headers={"content-type": "application/json", **headers},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    if "host" in headers or "origin" in headers:
        assert httpx.get(f"{serving.url}/v1/models", headers=headers).status_code == 403


def test_pages_and_programs_of_this_machine_can(serving: _Serving) -> None:
    for headers in ({"origin": serving.url}, {"origin": "http://localhost:3000"}, {"host": "localhost:1"}):
        answer = httpx.post(f"{serving.url}/v1/audio/speech", json={"input": "hi"}, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000"
        b"\r\nConnection: close\r\n\r\n" + b"[" * 100000,
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
        + b"9" * 5000
        + b"\r\n\r\n",
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \xb2\r\n\r\n",
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n"
        b'Connection: close\r\n\r\n{"input": "\\ud800x"}',
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 24\r\n"
        b'Connection: close\r\n\r\n{"input":"a","seed":1e9}',
        *(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Connection: close\r\nContent-Length: 13\r\n%s\r\n\r\n{"input":"a"}' % header
            for header in (b"Content-Length: 3", b"Host: evil.example", b"Transfer-Encoding: chunked")
        ),
    ],
)
def test_an_odd_request_is_answered_and_leaves_no_traceback(
    serving: _Serving, request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(serving.server.server_address[:2], timeout=10.0) as client:
        client.sendall(request_bytes)
        answer = client.recv(4096)
    assert answer.split()[1] in (b"400", b"411", b"413")
    assert serving.ask().status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_half_a_body_and_a_host_behind_a_name_are_refused(serving: _Serving) -> None:
    head = "POST /v1/audio/speech HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    for host, length, status in (("localhost", 500, b"400"), ("127.0.0.1:80@evil.example", 13, b"403")):
        with socket.create_connection(serving.server.server_address[:2], timeout=10.0) as client:
            client.sendall(f'{head}Host: {host}\r\nContent-Length: {length}\r\n\r\n{{"input":"a"}}'.encode())
            client.shutdown(socket.SHUT_WR)
            assert client.recv(4096).split()[1] == status


def test_a_client_that_leaves_while_an_error_is_written_is_no_error(
    serving: _Serving, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        client = socket.create_connection(serving.server.server_address[:2])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        client.sendall(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        client.close()
    assert serving.ask().status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_burst_is_answered_and_never_reset(tmp_path: Path) -> None:
    with _Serving(tmp_path, waiting=4, delay=0.05) as serving:
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(serving.ask(stream=False).status_code)) for _ in range(60)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(statuses) == 60
    assert set(statuses) == {200, 429}


def test_a_client_that_never_reads_does_not_keep_the_worker(tmp_path: Path) -> None:
    text = " ".join(f"word{n}" for n in range(300)) + "."
    with _Serving(tmp_path, seconds_per_word=0.3) as serving:
        body = json.dumps({"input": text, "stream": True, "response_format": "pcm"}).encode()
        fields = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        head = f"POST /v1/audio/speech HTTP/1.1\r\n{fields}\r\n\r\n"
        with socket.socket() as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            silent.connect(serving.server.server_address[:2])
            silent.sendall(head.encode() + body)
            silent.recv(1)  # its answer has begun, and nothing more of it is ever read
            assert serving.ask(stream=False).status_code == 200
