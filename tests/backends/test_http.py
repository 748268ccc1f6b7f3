"""Speech servers: what is asked of them, what streaming gives a listener, and what is made of how they refuse."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.audio import float_to_pcm, wav_bytes
from harness.backends.base import BackendAway, BackendRefused, BadAudio, NoAudio
from harness.backends.http import HttpBackend
from harness.backends.http_stream import Listening
from harness.backends.worker import Worker
from harness.core.errors import ConfigError
from harness.core.records import Outcome, Request, SeedPolicy, Synthesis, Variant
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation, Plan

TONE = (0.5 * np.sin(np.arange(24000) / 10)).astype(np.float32)
CANARY = "sk-canary-7Qd93kfLw02mZx"
Answer = Callable[["_Handler"], None]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((body, dict(self.headers)))  # type: ignore[attr-defined]
        answers: list[Answer] = self.server.answers  # type: ignore[attr-defined]
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def server() -> Iterator[Any]:
    """A server that gives what ``answers`` says, one after the other, the last again and again."""
    listening: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    listening.seen, listening.answers = [], [_audio(wav_bytes(TONE, 24000, "PCM_16"))]
    listening.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield listening
    listening.shutdown()
    listening.server_close()


def _audio(data: bytes, kind: str = "audio/wav", status: int = 200, **headers: str) -> Answer:
    def give(handler: _Handler) -> None:
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return give


def _streamed(pieces: list[bytes], pause: float = 0.0, *, end: bool = True) -> Answer:
    def give(handler: _Handler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "audio/pcm")
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.flush()
            time.sleep(pause)
        if end:
            handler.wfile.write(b"0\r\n\r\n")
        else:
            handler.close_connection = True

    return give


def _error(status: int, message: str = "out of luck", **headers: str) -> Answer:
    return _audio(json.dumps({"error": {"message": message}}).encode(), "application/json", status, **headers)


def _variant(url: str, **keys: Any) -> Variant:
    more = {key: keys.pop(key) for key in ("voice", "seed_policy") if key in keys}
    return Variant("v", "http", {"url": url, **keys}, **more)


def _speak(server: Any, text: str = "hello", **keys: Any) -> Synthesis:
    backend, variant = HttpBackend(), _variant(server.url, **keys)
    backend.check(variant)
    backend.load(variant)
    try:
        return backend.synthesize(Request("c", text, 42, variant.voice), lambda: None)
    finally:
        backend.close()


# ------------------------------------------------------------------------------------------ what is asked
def test_the_request_is_openais_with_the_seed_at_the_top(server: Any) -> None:
    _speak(server, 'say "x"\n日本', served_model="tts-1", voice="alloy", fields={"speed": 1.1})
    assert server.seen[0][0] == {
        "model": "tts-1", "input": 'say "x"\n日本', "voice": "alloy", "response_format": "wav", "speed": 1.1,
        "seed": 42,
    }  # fmt: skip
    assert "Authorization" not in server.seen[0][1]


def test_the_seed_goes_where_it_is_asked_for(server: Any) -> None:
    _speak(server, seed_fields=["seed", "extra_body.seed"], fields={"extra_body": {"top_k": 3}})
    assert server.seen[0][0]["seed"] == 42 and server.seen[0][0]["extra_body"] == {"top_k": 3, "seed": 42}
    _speak(server, seed_fields=[])
    assert "seed" not in server.seen[1][0]


def test_a_server_that_reads_the_text_elsewhere_and_calls_its_wav_a_page_is_driven(server: Any) -> None:
    """As Piper's own server does."""
    server.answers = [_audio(wav_bytes(TONE, 24000, "PCM_16"), "text/html; charset=utf-8")]
    spoken = _speak(server, text_field="text", seed_fields=[])
    assert server.seen[0][0] == {"text": "hello", "response_format": "wav"}
    assert spoken.samples is not None and len(spoken.samples) == len(TONE)
    with pytest.raises(ConfigError, match="text_field"):
        _speak(server, text_field="a..b")


@pytest.mark.parametrize("name", ["wav", "pcm", "flac", "mp3", "opus"])
def test_every_format_gives_the_sound_and_its_first_sample(server: Any, name: str) -> None:
    server.answers = [_audio(_encoded(name), f"audio/{name}")]
    spoken = _speak(server, response_format=name)
    rate = 48000 if name == "opus" else 24000
    assert spoken.samples is not None and spoken.sample_rate in (24000, rate)
    assert len(spoken.samples) / spoken.sample_rate == pytest.approx(1.0, abs=0.1)
    assert float(np.sqrt(np.mean(spoken.samples**2))) == pytest.approx(0.35, abs=0.05)
    assert spoken.ttfa is not None and spoken.ttfa > 0


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_wav_where_raw_samples_were_asked_for_is_noted_and_its_header_is_no_sound(server: Any, pieces: int) -> None:
    wavs = [wav_bytes(part, 24000, "PCM_16") for part in np.array_split(TONE, pieces)]
    server.answers = [_streamed([wavs[0][:44], wavs[0][44:], *wavs[1:]], pause=0.2)]
    spoken = _speak(server, response_format="pcm")
    assert spoken.samples is not None and np.allclose(spoken.samples, TONE, atol=1e-4)
    assert "WAV header at byte 0" in spoken.notes["repairs"][0]
    assert spoken.ttfa is not None and spoken.ttfa > spoken.notes["http"]["first_byte"] + 0.15


@pytest.mark.parametrize(("name", "what"), [("mp3", "MP3"), ("opus", "Ogg"), ("flac", "FLAC")])
def test_another_format_where_raw_samples_were_asked_for_is_named(server: Any, name: str, what: str) -> None:
    server.answers = [_audio(_encoded(name), "audio/pcm")]
    with pytest.raises(BadAudio, match=f"{what} where raw samples were asked for"):
        _speak(server, response_format="pcm")


def test_a_wav_where_mp3_was_asked_for_is_read_and_noted(server: Any) -> None:
    spoken = _speak(server, response_format="mp3")
    assert spoken.samples is not None and spoken.notes["repairs"] == ["WAV where mp3 was asked for"]


def _encoded(name: str) -> bytes:
    if name == "wav":
        return wav_bytes(TONE, 24000, "PCM_16")
    if name == "pcm":
        return float_to_pcm(TONE, "PCM_16")
    kinds = {"flac": ("FLAC", "PCM_16"), "mp3": ("MP3", "MPEG_LAYER_III"), "opus": ("OGG", "OPUS")}
    file = io.BytesIO()
    soundfile.write(file, TONE, 24000, format=kinds[name][0], subtype=kinds[name][1])
    return file.getvalue()


# ------------------------------------------------------------------------------------------ streaming
def test_a_header_is_not_yet_a_playable_sample(server: Any) -> None:
    wav = wav_bytes(TONE, 24000, "PCM_16")
    server.answers = [_streamed([wav[:44], wav[44:]], pause=0.3)]
    spoken = _speak(server)
    http = spoken.notes["http"]
    assert spoken.ttfa is not None and spoken.ttfa - http["first_byte"] > 0.25
    assert http["pieces"] >= 2


def test_a_stall_is_an_underrun_and_a_pause_within_the_buffer_is_none() -> None:
    second = bytes(48000)
    heard = Listening("pcm", 48000.0)
    for data, now in ((second, 1.0), (second, 1.9), (second, 3.5), (second, 4.6)):
        heard.feed(data, now)
    # 1.0: playing begins; 2 s held until 3.0, so 0.5 s of silence at 3.5; then 1 s held until 4.5, so 0.1 s at 4.6
    assert heard.first_sample == 1.0 and heard.longest_gap == pytest.approx(1.6)
    assert heard.underrun_seconds == pytest.approx(0.6) and heard.underruns == 1


def test_a_streaming_wav_says_its_rate_and_is_judged_by_it() -> None:
    wav = wav_bytes(np.zeros(48000, np.float32), 24000, "PCM_16")
    heard = Listening("wav")
    heard.feed(wav[:30], 0.1)
    assert heard.first_sample is None
    heard.feed(wav[30:48044], 0.2)
    heard.feed(wav[48044:], 3.2)
    assert heard.first_sample == 0.2 and heard.underruns == 1 and heard.underrun_seconds == pytest.approx(2.0, abs=1e-3)


def test_unknown_is_none_for_compressed_formats() -> None:
    data = _encoded("mp3")
    heard = Listening("mp3")
    heard.feed(data[:4000], 0.1)
    heard.feed(data[4000:], 9.0)
    assert heard.first_sample is not None and heard.underruns is None and heard.underrun_seconds is None


# ------------------------------------------------------------------------------------------- refusals
def test_429_is_waited_for_as_asked_and_recorded(server: Any) -> None:
    server.answers = [_error(429, retry_after="0.2"), _error(503), server.answers[0]]
    spoken = _speak(server, busy_wait=0.3)
    assert spoken.samples is not None
    assert [(e["status"], e["retry_after"], e["waited"]) for e in spoken.notes["http"]["refusals"]] == [
        (429, 0.2, 0.2), (503, None, 0.3),
    ]  # fmt: skip


def test_retries_are_bounded_and_the_refusals_stay_on_record(server: Any) -> None:
    server.answers = [_error(429, "slow down", retry_after="0")]
    with pytest.raises(BackendAway, match=r"HTTP 429: slow down \(3 times\)") as error:
        _speak(server, busy_retries=2)
    assert len(server.seen) == 3
    assert error.value.partial is not None and len(error.value.partial.notes["http"]["refusals"]) == 3


@pytest.mark.parametrize("status", [400, 500])
def test_other_errors_are_not_asked_again(server: Any, status: int) -> None:
    server.answers = [_error(status, "no such voice")]
    with pytest.raises(BackendRefused, match=f"HTTP {status}: no such voice"):
        _speak(server)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_wrong_key_or_address_is_no_answer_to_any_text(server: Any, status: int) -> None:
    server.answers = [_error(status, "no such voice")]
    with pytest.raises(BackendAway, match=f"HTTP {status}: no such voice") as error:
        _speak(server)
    assert error.value.lasting and len(server.seen) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_without_a_server_behind_it_is_away(server: Any, status: int) -> None:
    server.answers = [_error(status, "upstream", retry_after="0")]
    with pytest.raises(BackendAway, match=f"HTTP {status}: upstream") as error:
        _speak(server, busy_retries=1)
    assert not error.value.lasting


def test_a_redirect_is_not_followed(server: Any) -> None:
    server.answers = [_audio(b"", status=307, location="http://127.0.0.1:1/elsewhere")]
    with pytest.raises(BackendAway, match="HTTP 307"):
        _speak(server)


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (_audio(b""), NoAudio, "HTTP 200 and an empty answer"),
        (_audio(wav_bytes(TONE[:0], 24000, "PCM_16")), NoAudio, "zero frames"),
        (_audio(b'{"error": "no GPU"}', "application/json"), BadAudio, "application/json instead of audio: no GPU"),
        (_audio(b"<html>hello", "audio/wav"), BadAudio, "not audio"),
        (
            _streamed([wav_bytes(TONE, 24000, "PCM_16")[:999]], end=False),
            BackendRefused,
            "connection lost after 999 by",
        ),
    ],
)
def test_an_answer_that_is_no_audio(server: Any, answer: Answer, kind: type[Exception], message: str) -> None:
    server.answers = [answer]
    with pytest.raises(kind, match=message):
        _speak(server)


def test_nobody_there_is_no_error_of_that_chunk(server: Any) -> None:
    with pytest.raises(BackendAway, match="no connection: "):
        _speak(type("Gone", (), {"url": "http://127.0.0.1:9"}))


# ---------------------------------------------------------------------------------- a server of one's own
SERVER = """
import io, os, sys, wave
from http.server import BaseHTTPRequestHandler, HTTPServer
count = 0
class H(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def do_POST(self):
        global count
        text = self.rfile.read(int(self.headers["content-length"])).decode(); count += 1
        print("Generated", count, "tokens", flush=True)
        if "crash" in text:
            print("CUDA error", flush=True); os.abort()
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1); out.setsampwidth(2); out.setframerate(24000); out.writeframes(bytes(4800))
        self.send_response(200); self.send_header("content-length", str(len(file.getvalue()))); self.end_headers()
        self.wfile.write(file.getvalue())
    def log_message(self, *a): pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
"""


def test_its_own_server_is_started_heard_and_restarted_after_a_crash(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    keys = {
        "start": [sys.executable, "-I", "-S", "server.py", "{port}"],
        "cwd": str(tmp_path),
        "log": {"token_count": r"Generated (\d+) tokens"},
    }
    worker = Worker(_variant("http://127.0.0.1:{port}", **keys), tmp_path / "work")
    try:
        worker.start()
        replies = []
        for text in ("a", "b", "crash", "c"):
            if not worker.alive:
                worker.restart()
            replies.append(worker.request(Request("c", text, 1)))
    finally:
        worker.stop()
    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.OK, Outcome.CRASH, Outcome.OK]
    assert [reply.token_count for reply in replies] == [1, 2, None, 1]  # the last epoch began anew
    assert "SIGABRT" in replies[2].detail and "CUDA error" in replies[2].detail


# -------------------------------------------------------------------------------------------------- keys
def test_the_key_is_sent_and_never_written_anywhere(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server that repeats the key in errors, headers and bodies does not get it into a run."""
    monkeypatch.setenv("SPEECH_API_KEY", CANARY)
    server.answers = [
        _error(400, f"wrong key: {CANARY}"),
        _audio(f'{{"error": "key {CANARY}"}}'.encode(), "application/json"),
        _audio(CANARY.encode() * 3, "audio/wav"),
        _error(429, f"Bearer {CANARY} is too fast", retry_after="0"),
        _audio(wav_bytes(TONE, 24000, "PCM_16"), "audio/wav", x_request_id=CANARY, server=f"x {CANARY}"),
    ]
    variant = _variant(server.url, api_key_env="SPEECH_API_KEY", busy_retries=0)
    corpus = load_corpus("generated:seed=5,chunks=6")
    plan = Plan(
        suite="stress",
        corpus=corpus,
        variants=(variant,),
        selection={"v": tuple(chunk.id for chunk in corpus.chunks)},
        reports=tmp_path / "reports",
        confirmation=Confirmation(enabled=False),
        quiet_chunks=0,
    )
    Engine(plan).run()
    assert {headers["Authorization"] for _, headers in server.seen} == {f"Bearer {CANARY}"}
    assert len(server.seen) == 7  # a busy server is asked again
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written and not [path for path in written if CANARY.encode() in path.read_bytes()]
    printed = capfd.readouterr()
    assert CANARY not in printed.out + printed.err


def test_the_key_may_go_in_another_header(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEECH_API_KEY", CANARY)
    _speak(server, api_key_env="SPEECH_API_KEY", api_key_header="X-Api-Key")
    sent = server.seen[0][1]
    assert sent["X-Api-Key"] == CANARY and "Authorization" not in sent


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"url": "localhost:8080"}, "no address such as"),
        ({"url": "http://user:pw@h"}, "no user, password or query"),
        ({"url": "http://h?key=x"}, "no user, password or query"),
        ({"url": "http://h/v1/audio/speech"}, "write it as path = '/v1/audio/speech'"),
        ({"url": "http://h:{port}"}, "only a server of one's own has"),
        ({"headers": {"Authorization": "Bearer x"}}, "from the environment only"),
        ({"api_key_env": "NO_SUCH_API_KEY"}, "the environment has no NO_SUCH_API_KEY"),
        ({"api_key_env": "sk-abcdef"}, "must be the name of a variable"),
        ({"response_format": "ogg"}, "cannot be 'ogg'"),
        ({"served_mode": "x"}, "did you mean 'served_model'"),
        ({"model": "/x/tts-1"}, "the name that is sent is served_model"),
        ({"fields": {"input": "x"}}, "is set by the adapter itself"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_asked(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        HttpBackend.check(_variant(keys.pop("url", "http://127.0.0.1:1"), **keys))
    assert "\n" not in str(error.value)


def test_without_seeds_none_is_sent(server: Any) -> None:
    backend, variant = HttpBackend(), _variant(server.url, seed_policy=SeedPolicy.NONE)
    backend.load(variant)
    backend.synthesize(Request("c", "x", None), lambda: None)
    backend.close()
    assert "seed" not in server.seen[0][0]
