"""Servers that send audio in messages: server-sent events and sockets, each a real one on this machine."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.sync.server import serve

from harness.backends import ADAPTERS
from harness.backends.base import BackendAway, BackendRefused, BadAudio, NoAudio
from harness.backends.events import value_at
from harness.core.errors import ConfigError
from harness.core.records import Computes, Request, Synthesis, Variant
from tests.engine.test_session_backend_away import free_port

RATE = 24000
TONE = (3000 * np.sin(np.arange(RATE) / 20)).astype("<i2").tobytes()  # 1 s
PIECES = [TONE[i : i + 12000] for i in range(0, len(TONE), 12000)]  # 4 of 0.25 s


def speak(variant: Variant, text: str = 'Say "this".', seed: int | None = 7) -> Synthesis:
    ADAPTERS.get(variant.adapter).check(variant)
    backend: Any = ADAPTERS.get(variant.adapter)()
    loaded = backend.load(variant)
    assert loaded.computes is Computes.ELSEWHERE
    try:
        spoken: Synthesis = backend.synthesize(Request("c", text, seed), lambda: None)
        return spoken
    finally:
        backend.close()


# ----------------------------------------------------------------------------------------- server-sent events
@pytest.fixture
def events() -> Iterator[Any]:
    """A server that answers with the events of ``server.sent``, ``server.pause`` seconds apart."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("content-type", "text/event-stream; charset=utf-8")
            self.end_headers()
            for event in self.server.sent:  # type: ignore[attr-defined]
                self.wfile.write(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode())
                self.wfile.flush()
                time.sleep(self.server.pause)  # type: ignore[attr-defined]

        def log_message(self, *_: object) -> None: ...

    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.bodies, server.sent, server.pause = [], [], 0.0
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def of_events(server: Any, **settings: Any) -> Variant:
    base = {"url": f"http://127.0.0.1:{server.server_address[1]}", "response_format": "pcm", "stream_format": "sse"}
    return Variant("v", "http", {**base, **settings})


def delta(data: bytes, **more: Any) -> dict[str, Any]:
    return {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode(), **more}


def test_events_of_the_openai_kind_are_put_together(events: Any) -> None:
    events.sent = [*map(delta, PIECES), {"type": "speech.audio.done", "usage": {"output_tokens": 9}}, "[DONE]"]
    events.pause = 0.05
    spoken = speak(of_events(events))
    assert events.bodies[0]["stream_format"] == "sse" and events.bodies[0]["seed"] == 7
    assert spoken.samples is not None and len(spoken.samples) == RATE and spoken.sample_rate == RATE
    note = spoken.notes["http"]
    assert spoken.ttfa is not None and spoken.ttfa < 0.2 and note["pieces"] == 4
    assert note["underruns"] == 0 and note["longest_gap"] >= 0.04  # 0.25 s of sound every 0.05 s


def test_a_listener_misses_sound_where_events_come_late(events: Any) -> None:
    events.sent = [*map(delta, PIECES)]
    events.pause = 0.6
    note = speak(of_events(events)).notes["http"]
    assert note["underruns"] == 3 and note["underrun_seconds"] == pytest.approx(3 * 0.35, abs=0.3)


def test_audio_anywhere_in_an_event(events: Any) -> None:
    chat = {"choices": [{"delta": {"audio": {"data": base64.b64encode(TONE).decode()}}}]}
    events.sent = [{"choices": []}, chat]
    spoken = speak(of_events(events, sse_audio="choices.0.delta.audio.data"))
    assert spoken.samples is not None and len(spoken.samples) == RATE
    assert value_at(chat, "choices.1.delta") is None and value_at(chat, "choices.0.nope.audio") is None


@pytest.mark.parametrize(
    ("sent", "kind", "message"),
    [
        ([{"error": {"message": "no such voice"}}], BackendRefused, "the event stream told an error: no such voice"),
        ([delta(PIECES[0]), {"error": "out of memory"}], BackendRefused, "out of memory"),
        ([{"type": "speech.audio.done"}], NoAudio, "an event stream without audio at 'audio'"),
        ([{"audio": "%%%"}], BadAudio, "audio of a message is not base64"),
    ],
)
def test_events_that_are_no_audio(events: Any, sent: list[Any], kind: type[Exception], message: str) -> None:
    events.sent = sent
    with pytest.raises(kind, match=message):
        speak(of_events(events))


# --------------------------------------------------------------------------------------------------- sockets
@pytest.fixture
def socket_server() -> Iterator[Callable[[Callable[[Any], None]], str]]:
    """Starts a websocket server with a handler of one connection; gives its address."""
    servers = []

    def start(handler: Callable[[Any], None]) -> str:
        server = serve(handler, "127.0.0.1", 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}/tts"

    yield start
    for server in servers:
        server.shutdown()


def of_socket(url: str, **settings: Any) -> Variant:
    return Variant("v", "websocket", {"url": url, "say": ['{"text": {text_json}, "seed": {seed}}'], **settings})


def test_json_frames_with_base64_until_done(socket_server: Any) -> None:
    asked: list[Any] = []

    def handler(socket: Any) -> None:
        asked.append(json.loads(socket.recv()))
        for piece in PIECES:
            socket.send(json.dumps({"chunk": {"data": base64.b64encode(piece).decode()}}))
            time.sleep(0.05)
        socket.send(json.dumps({"type": "done", "isFinal": True}))
        socket.recv()  # stays open: only the message says that it is over

    spoken = speak(of_socket(socket_server(handler), audio="chunk.data", done={"isFinal": True}))
    assert asked == [{"text": 'Say "this".', "seed": 7}]
    assert spoken.samples is not None and len(spoken.samples) == RATE
    note = spoken.notes["websocket"]
    assert note["pieces"] == 4 and note["underruns"] == 0 and spoken.ttfa is not None and spoken.ttfa < 0.3


def test_binary_frames_until_the_server_closes(socket_server: Any) -> None:
    order: list[str] = []

    def handler(socket: Any) -> None:
        socket.send(json.dumps({"type": "session.created"}))
        order.extend([socket.recv(), socket.recv()])
        for piece in PIECES:
            socket.send(piece)

    variant = of_socket(
        socket_server(handler), setup=["config {seed}"], say=["{text}"], ready={"type": "session.created"}
    )
    spoken = speak(variant)
    assert spoken.samples is not None and len(spoken.samples) == RATE
    assert order == ["config 7", 'Say "this".']


def test_what_a_socket_may_do_wrong(socket_server: Any) -> None:
    def tells(socket: Any) -> None:
        socket.recv()
        socket.send(json.dumps({"error": {"message": "text too long"}}))

    def breaks(socket: Any) -> None:
        socket.recv()
        socket.send(PIECES[0])
        socket.close(1011, "out of memory")

    def silent(socket: Any) -> None:
        socket.recv()

    with pytest.raises(BackendRefused, match="the server told an error: text too long"):
        speak(of_socket(socket_server(tells)))
    with pytest.raises(BackendRefused, match=r"connection lost after 12000 bytes of the answer: .*out of memory"):
        speak(of_socket(socket_server(breaks)))
    with pytest.raises(NoAudio, match="the socket gave no audio"):
        speak(of_socket(socket_server(silent)))
    with pytest.raises(BackendAway, match="no connection") as error:
        speak(of_socket(f"ws://127.0.0.1:{free_port()}"))
    assert not error.value.lasting


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"url": "http://127.0.0.1:1"}, "settings.url: 'http://127.0.0.1:1' is no address such as ws://"),
        ({"say": ["hello"]}, "settings.say: the text never reaches the server"),
        ({"headers": {"Authorization": "Bearer x"}}, "headers.Authorization: keys come from the environment"),
        ({"sample_rte": 16000}, "unknown key of adapter 'websocket' (did you mean 'sample_rate'?)"),
    ],
)
def test_settings_that_cannot_work_are_one_line(settings: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        ADAPTERS.get("websocket").check(of_socket(**{"url": "ws://127.0.0.1:1", **settings}))
    assert problem in str(error.value) and "\n" not in str(error.value)
