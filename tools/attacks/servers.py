"""Hostile speech servers: answers as no server should give them, byte by byte, over HTTP and over a WebSocket."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np

from harness.audio import wav_bytes

_SOUND = wav_bytes(np.sin(np.arange(12_000) / 20).astype(np.float32) * 0.3, 24_000, "PCM_16")
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n"
_EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
_PATIENCE = 8.0  # s that an endless answer goes on


def _sized(body: bytes, length: int | str) -> bytes:
    return _HEAD + f"Content-Length: {length}\r\n\r\n".encode() + body


def _refusal(status: int, body: bytes, more: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\n".encode() + more + b"\r\n" + body


def _event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _delta(sound: bytes) -> bytes:
    return _event({"type": "speech.audio.delta", "audio": base64.b64encode(sound).decode()})


def _endless(head: bytes, piece: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            connection.sendall(piece)
            if pause:
                time.sleep(pause)

    return answer


def _header(size: int, rate: int = 24_000, channels: int = 1, bits: int = 16, kind: int = 1) -> bytes:
    block = channels * bits // 8 & 0xFFFF
    fmt = struct.pack("<HHIIHH", kind, channels, rate, (rate * block) & 0xFFFFFFFF, block, bits)
    return b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + fmt + b"data" + struct.pack("<I", size)


_WAV = _HEAD + b"Connection: close\r\n\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_ZIPPED = _HEAD + b"Content-Encoding: gzip\r\n"
_ESCAPES = "\x1b[2J\x1b]0;t\x07\u202egnp.exe ::error::x ##[error] \u2066"

ANSWERS: dict[str, bytes | Callable[[socket.socket], None]] = {
    "an endless chunked body": _endless(_CHUNKED, b"4000\r\n" + bytes(0x4000) + b"\r\n", 0.01),
    "a chunk of 2**60 bytes": _CHUNKED + b"1000000000000000\r\nabc",
    "a chunk of negative size": _CHUNKED + b"-5\r\nabc\r\n0\r\n\r\n",
    "a chunk whose size is no number": _CHUNKED + b"zz\r\nabc\r\n",
    "chunks of one byte": _CHUNKED
    + b"".join(b"1\r\n" + _SOUND[i : i + 1] + b"\r\n" for i in range(2000))
    + b"0\r\n\r\n",
    "chunk extensions of a megabyte": _CHUNKED + b"5;" + b"x" * 1_000_000 + b"\r\nabcde\r\n0\r\n\r\n",
    "a length that is too long": _sized(_SOUND, len(_SOUND) + 500),
    "a length that is too short": _sized(_SOUND, 500),
    "a negative length": _sized(_SOUND, -1),
    "a length of 5,000 digits": _sized(_SOUND, "9" * 5000),
    "two lengths": _HEAD + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n" + _SOUND[:50],
    "length 0": _sized(b"", 0),
    "a flood of 100": _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50, 0.01),
    "103 and then sound": b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + _WAV + _SOUND,
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + bytes(100),
    "status 999": b"HTTP/1.1 999 Hm\r\nContent-Length: 0\r\n\r\n",
    "status 20": b"HTTP/1.1 20 OK\r\n\r\n",
    "no status": b"RIFF" + bytes(500),
    "HTTP/0.9": b"<html>hello</html>",
    "HTTP/3": b"HTTP/3.0 200 OK\r\n\r\n" + _SOUND,
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "206": b"HTTP/1.1 206 Partial\r\nContent-Type: audio/wav\r\nContent-Length: 3\r\n\r\nabc",
    "a header of a megabyte": _HEAD + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n" + _SOUND,
    "100,000 headers": _HEAD + b"X: y\r\n" * 100_000 + b"\r\n" + _SOUND,
    "headers that do not end": _endless(_HEAD, b"X: y\r\n", 0.2),
    "a header with NUL": _HEAD + b"X: a\0b\r\n\r\n" + _SOUND,
    "headers of other signs": _HEAD + b"X-Request-Id: \xff\xfe\xe9\r\nServer: \x1b[2J\r\n\r\n" + _SOUND,
    "a redirect to itself": b"HTTP/1.1 307 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "a redirect to a file": b"HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "gzip that is none": _ZIPPED + b"\r\n" + _SOUND,
    "gzip cut off": _ZIPPED + b"\r\n" + gzip.compress(_SOUND)[:-30],
    "a bomb of gzip": _ZIPPED + b"\r\n" + gzip.compress(bytes(1 << 28), 9),
    "gzip in gzip": _HEAD + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(_SOUND)),
    "an unknown encoding": _HEAD + b"Content-Encoding: zebra\r\n\r\n" + _SOUND,
    "reset at once": lambda connection: connection.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    ),
    "closed at once": b"",
    "half a status line": b"HTTP/1.1 20",
    "silence": lambda connection: time.sleep(_PATIENCE),
    "a byte a second": _endless(_WAV + _SOUND[:44], b"\0", 0.5),
    "JSON brackets": _refusal(500, b"[" * 4000),
    "an error of escapes": _refusal(500, json.dumps({"error": {"message": _ESCAPES}}).encode()),
    "an error that is null": _refusal(400, b'{"error": null}'),
    "an error that is a number": _refusal(400, b'{"error": 1e999}'),
    "an error of a list": _refusal(422, b'{"detail": [[[{"loc": []}]]]}'),
    "an error in UTF-16": _refusal(400, "Fehler".encode("utf-16")),
    "an error without end": _endless(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 4000, 0.01),
    "Retry-After nan": _refusal(503, b"", b"Retry-After: nan\r\n"),
    "Retry-After inf": _refusal(429, b"", b"Retry-After: inf\r\n"),
    "Retry-After of the year 9999": _refusal(429, b"", b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
    "Retry-After of the year 99999": _refusal(429, b"", b"Retry-After: Fri, 31 Dec 99999 23:59:59 GMT\r\n"),
    "Retry-After -5": _refusal(503, b"", b"Retry-After: -5\r\n"),
    "401 with the key": _refusal(401, b"key sk-aaaaaaaaaaaaaaaaaaaaaaa1 is wrong"),
    "a WAV of no channels": _WAV + _header(100, channels=0) + bytes(100),
    "a WAV of 65,535 channels": _WAV + _header(0xFFFFFFFF, channels=65_535) + bytes(200_000),
    "a WAV of 0 bits": _WAV + _header(100, bits=0) + bytes(100),
    "a WAV of 64-bit floats of NaN": _WAV + _header(800, bits=64, kind=3) + struct.pack("<d", float("nan")) * 100,
    "a WAV of 0 Hz": _WAV + _header(100, rate=0) + bytes(100),
    "a WAV of 4 GHz": _WAV + _header(100, rate=0xFFFFFFFF) + bytes(100),
    "a WAV of zero frames": _WAV + _header(0),
    "a WAV of one sample": _WAV + _header(2) + b"\1\0",
    "half a sample": _WAV + _header(1) + b"\1",
    "a FLAC that ends": _WAV + b"fLaC\0\0\0\x22" + bytes(20),
    "an MP3 of frames of zero size": _WAV + b"\xff\xfb\0\0" * 5000,
    "an Ogg of empty pages": _WAV + (b"OggS\0\2" + bytes(21)) * 500,
    "HTML called audio": _WAV + b"<!doctype html><title>login</title>",
    "JSON called audio": _WAV + b'{"audio": null}',
    "events of nothing": _EVENTS + b"\n\n\n: ping\n\n",
    "events of no base64": _EVENTS + _event({"audio": "%%%"}),
    "events of half a sample each": _EVENTS + b"".join(_delta(_SOUND[i : i + 1]) for i in range(200)),
    "events of lists": _EVENTS + _event([[[1]]]) + _event({"audio": [1, 2]}) + _event({"audio": 1e308}),
    "events of brackets": _EVENTS + b"data: " + b"[" * 100_000 + b"\n\n",
    "an event line without end": _endless(_EVENTS, b"data" * 1000, 0.01),
    "an error in the midst": _EVENTS + _delta(_SOUND) + _event({"error": {"message": _ESCAPES}}),
    "events in latin-1": _EVENTS + b"data: \xe9\xff\n\n",
    "pings for ever": _endless(_EVENTS, b": ping\n\n", 0.05),
}


def _serve(listener: socket.socket, answer: bytes | Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()


def _answer(connection: socket.socket, answer: bytes | Callable[[socket.socket], None]) -> None:
    with connection, suppress(OSError):
        asked = b""
        while b"\r\n\r\n" not in asked and (piece := connection.recv(65_536)):
            asked += piece
        connection.sendall(answer) if isinstance(answer, bytes) else answer(connection)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1.0)
        with suppress(OSError):
            while connection.recv(65_536):
                pass


@contextmanager
def hostile_server(name: str) -> Iterator[int]:
    """Serve that answer to everybody; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, ANSWERS[name]), daemon=True).start()
        yield listener.getsockname()[1]
        listener.close()
