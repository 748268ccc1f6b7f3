"""``tts-soak serve``: a variant behind an OpenAI-compatible speech endpoint, bound to loopback."""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from harness.backends.worker import Reply
from harness.core.errors import ConfigError, SoakError
from harness.core.printable import printable_line
from harness.core.records import Outcome, Request, Samples
from harness.engine.serve.asked import Refused, SpeechAsked, parsed
from harness.engine.serve.encode import CONTENT_TYPES, encode_file, streaming_header
from harness.engine.serve.speaking import Speaking
from harness.engine.serve.voices import Busy, WorkerPool
from harness.store import redact
from harness.text.chunker import chunk_text

BODY_LIMIT = 1 << 20  # bytes
PIECE_WORDS = 16  # a stream gives its answer in pieces of at most so many words
CONNECTIONS_LIMIT = 256  # open at once
_Connection = socket.socket | tuple[bytes, socket.socket]
_TURNED_AWAY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class SpeechServer(ThreadingHTTPServer):
    """Serves one variant. ``name`` is the model's name to clients; ``key``, where given, is asked for as a bearer.

    Raises ConfigError for an address that is not this machine's loopback, or a port that is taken.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256  # connections that the system keeps until they are taken: a burst is answered, not reset

    def __init__(self, host: str, port: int, voices: WorkerPool, name: str, key: str | None = None) -> None:
        check_loopback(host)
        self.voices, self.name, self.key = voices, name, key
        self.answered = 0
        self._open = 0
        self._lock = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None

    def process_request(self, request: _Connection, client_address: object) -> None:
        """Take a connection, or turn it away with 429 where as many are open as this server keeps."""
        with self._lock:
            full = self._open >= CONNECTIONS_LIMIT
            self._open += not full
        if not full:
            super().process_request(request, client_address)
            return
        with contextlib.suppress(OSError):
            if isinstance(request, socket.socket):  # always: a tuple is what servers of datagrams get
                request.settimeout(1.0)
                request.sendall(_TURNED_AWAY)
        self.shutdown_request(request)

    def process_request_thread(self, request: _Connection, client_address: object) -> None:
        """Serve one connection and count it out again."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open -= 1

    def handle_error(self, request: _Connection, client_address: object) -> None:
        """Say in one line what no answer could be given to; a client that has gone is no error."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            print(printable_line(f"request failed: {type(error).__name__}: {error}")[:300], file=sys.stderr)

    def count(self) -> None:
        """Count one more answer."""
        with self._lock:
            self.answered += 1


def check_loopback(host: str) -> None:
    """Raise ConfigError unless only this machine can reach ``host``: whoever can, can make it work without end."""
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ConfigError(f"--host {host}: only loopback addresses (127.0.0.1, ::1) are served")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SpeechServer
    server_version = "tts-soak"
    sys_version = ""
    timeout = 60.0  # s that a client may keep an idle connection

    def do_GET(self) -> None:
        try:
            self._refuse_foreign()
            self._get()
        except Refused as refused:
            self._refuse(refused)
        except (ConnectionError, TimeoutError):  # the client has gone
            self.close_connection = True

    def _get(self) -> None:
        if self.path == "/healthz":
            self._json(200, {"status": "ok", "answered": self.server.answered})
        elif self.path == "/v1/models":
            self._json(200, {"object": "list", "data": [{"id": self.server.name, "object": "model"}]})
        else:
            raise Refused(404, "not_found", f"nothing at {self.path}")

    def _refuse_foreign(self) -> None:
        """Raise Refused for what a web page of somebody else made a browser on this machine ask."""
        host = self.headers.get("host", "")
        if host and not _local(host):
            self.close_connection = True
            raise Refused(403, "foreign_host", "this server answers to loopback names only")
        origin, site = self.headers.get("origin"), self.headers.get("sec-fetch-site", "none")
        if (origin is not None and not _local(origin.partition("://")[2])) or site == "cross-site":
            self.close_connection = True
            raise Refused(403, "foreign_origin", "pages of other hosts may not use this server")

    def do_POST(self) -> None:
        try:
            body = self._body()
            self._refuse_foreign()
            if self.headers.get_content_type() != "application/json":
                raise Refused(415, "invalid_content_type", "the body must be application/json, and say so")
            if self.path != "/v1/audio/speech":
                raise Refused(404, "not_found", f"nothing at {self.path}")
            if self.server.key is not None:
                given = self.headers.get("authorization", "").removeprefix("Bearer ")
                if not hmac.compare_digest(given.encode(), self.server.key.encode()):
                    raise Refused(401, "invalid_api_key", "the API key is missing or wrong")
            self._speak(parsed(body))
        except Refused as refused:
            self._refuse(refused)
        except (ConnectionError, TimeoutError):  # the client has gone
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Print nothing: the texts of requests are the client's own."""

    def _body(self) -> bytes:
        once = ("host", "content-length", "content-type", "authorization", "origin")
        both = "transfer-encoding" in self.headers and "content-length" in self.headers
        if both or any(len(self.headers.get_all(name, [])) > 1 for name in once):
            self.close_connection = True  # where the body ends is a matter of opinion
            raise Refused(400, "ambiguous_request", "each header once, and the length of the body as a number")
        length = self.headers.get("content-length", "")
        counted = length.isascii() and length.isdecimal()
        if not counted or len(length) > 9 or int(length) > BODY_LIMIT:
            self.close_connection = True
            raise Refused(413 if counted else 411, "invalid_length", f"at most {BODY_LIMIT} bytes, and say how many")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            raise Refused(400, "invalid_length", f"{length} bytes were promised and {len(body)} came")
        return body

    def _speak(self, asked: SpeechAsked) -> None:
        texts = chunk_text(asked.text, PIECE_WORDS, 4) if asked.stream else [asked.text]
        with Speaking(self.server.voices, lambda speak: _spoken(speak, texts, asked)) as pieces:
            try:
                first, rate = next(pieces)  # until there is speech, a failure is still an honest status
            except Busy:
                raise Refused(429, "busy", "too many requests are waiting", retry_after=1) from None
            except SoakError as error:
                raise Refused(500, "backend", redact(str(error))) from None
            if asked.stream:
                self._stream(first, rate, pieces, asked.format)
            else:
                self._send(200, CONTENT_TYPES[asked.format], encode_file(first, rate, asked.format))
        self.server.count()

    def _stream(self, first: Samples, rate: int, rest: Iterator[tuple[Samples, int]], name: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPES[name])
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("X-Sample-Rate", str(rate))
        self.end_headers()
        if name == "wav":
            self._chunk(streaming_header(rate))
        self._chunk(encode_file(first, rate, "pcm"))
        try:
            for samples, _ in rest:
                self._chunk(encode_file(samples, rate, "pcm"))
        except (Refused, SoakError):  # the status is out; an answer without its end says that it is broken
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _send(self, status: int, kind: str, data: bytes, retry_after: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(data)

    def _json(self, status: int, said: dict[str, object], retry_after: int | None = None) -> None:
        self._send(status, "application/json", json.dumps(said).encode(), retry_after)

    def _refuse(self, refused: Refused) -> None:
        kind = "server_error" if refused.status >= 500 else "invalid_request_error"
        error = {"message": str(refused), "type": kind, "code": refused.code}
        self._json(refused.status, {"error": error}, refused.retry_after)


def _local(place: str) -> bool:
    """Whether a host, with or without a port, is a name of this machine's loopback."""
    host = place.strip().lower()
    if "@" in host:
        return False
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _spoken(speak: Callable[[Request], Reply], texts: list[str], asked: SpeechAsked) -> Iterator[tuple[Samples, int]]:
    """Yield samples and rate of one text after the other. Raises Refused (500) for what the backend could not speak."""
    for index, text in enumerate(texts):
        seed = None if asked.seed is None else (asked.seed + index) % 2**32
        reply = speak(Request("served", text, seed, asked.voice))
        if reply.outcome is not Outcome.OK or reply.samples is None:
            raise Refused(500, "backend", f"{reply.outcome}: {redact(reply.detail)}")
        yield np.asarray(reply.samples, dtype=np.float32), int(reply.sample_rate or 0)
