"""One program run to its end inside the worker: text in, audio and log out, signs of life on the way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from harness.backends.raw import may_be_header

LOG_LIMIT = 4 << 20  # bytes kept of a log's beginning, and as many of its end
AUDIO_LIMIT = 1 << 30  # bytes of audio on stdout
_LOOK = 0.2  # s between two looks at a growing file
_LINGER = 1.0  # s that output may still arrive after the program's end


class Log:
    """Keeps the beginning and the end of what a program prints, and passes all of it on to the worker's own stderr."""

    def __init__(self) -> None:
        self._head, self._tail, self._dropped = bytearray(), bytearray(), 0
        self._lock = threading.Lock()

    def add(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(2, data)
        with self._lock:
            room = LOG_LIMIT - len(self._head)
            self._head += data[:room]
            self._tail += data[room:] if room < len(data) else b""
            extra = max(0, len(self._tail) - LOG_LIMIT)
            self._dropped += extra
            del self._tail[:extra]

    def text(self) -> str:
        with self._lock:
            gap = f"\n[{self._dropped} bytes left out]\n".encode() if self._dropped else b""
            return bytes(self._head + gap + self._tail).decode("utf-8", "replace")


@dataclass
class ProgramExit:
    """How a program ended, and what it gave."""

    code: int  # as subprocess has it: negative for a signal
    log: Log
    stdout: bytearray = field(default_factory=bytearray)
    first_audio: float | None = None  # s from the start to the first audio on stdout
    left_running: bool = False  # processes of its group outlived it and were killed


def _start(
    command: Sequence[str] | str, shell: bool, stdin: int, cwd: Path, env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, shell=shell, stdin=stdin, stdout=pipe, stderr=pipe, cwd=cwd, env={**os.environ, **env}, process_group=0
    )


def run_program(
    command: Sequence[str] | str,
    *,
    shell: bool,
    stdin: str | None,
    cwd: Path,
    env: Mapping[str, str],
    audio_on_stdout: bool,
    header: bytes | None,
    grows: Path,
    progress: Callable[[], None],
) -> ProgramExit:
    """Run a program to its end. ``header`` precedes the audio on stdout (None: the audio starts at once).

    Bytes on stdout or stderr and growth of files at ``grows`` are signs of life. Raises OSError when it cannot be
    started. What it leaves running in its process group is killed.
    """
    listener = _Listener(ProgramExit(0, Log()), header, progress)
    process = _start(command, shell, subprocess.PIPE if stdin is not None else subprocess.DEVNULL, cwd, env)
    assert process.stdout is not None and process.stderr is not None
    over = threading.Event()
    readers = [
        _thread(_drain, process.stdout, listener.audio if audio_on_stdout else listener.log),
        _thread(_drain, process.stderr, listener.log),
    ]
    _thread(_watch_growth, grows, progress, over)
    if process.stdin is not None:
        _thread(_feed, process.stdin, (stdin or "").encode("utf-8"))
    code = process.wait()
    over.set()
    left_running = _end_group(process.pid)
    for reader in readers:
        reader.join(_LINGER)
    return listener.close(code, left_running)


class _Listener:
    """Takes what a program puts out, until it is closed."""

    def __init__(self, ended: ProgramExit, header: bytes | None, progress: Callable[[], None]) -> None:
        self._ended, self._header, self._progress = ended, header, progress
        self._started = time.monotonic()
        self._closed = False

    def audio(self, data: bytes) -> None:
        if self._closed:
            return
        self._progress()
        ended = self._ended
        if len(ended.stdout) < AUDIO_LIMIT:
            ended.stdout.extend(data)
        if ended.first_audio is None and _has_audio(ended.stdout, self._header):
            ended.first_audio = time.monotonic() - self._started

    def log(self, data: bytes) -> None:
        if self._closed:  # a daemon that was left behind is no sign of life of the next chunk
            return
        self._progress()
        self._ended.log.add(data)

    def close(self, code: int, left_running: bool) -> ProgramExit:
        self._closed = True
        self._ended.code, self._ended.left_running = code, left_running
        return self._ended


def _has_audio(data: bytearray, header: bytes | None) -> bool:
    if header is None:
        if not may_be_header(data):
            return len(data) > 0
        header = b"data"  # a WAV where raw samples were asked for: its header is no sound
    place = data.find(header, 0, 4096)
    return place >= 0 and len(data) > place + len(header) + 4  # the size field


def _thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _drain(stream: IO[bytes], take: Callable[[bytes], None]) -> None:
    with stream:
        while data := os.read(stream.fileno(), 1 << 16):
            take(data)


def _feed(stream: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError):  # a program may end, or close its stdin, without reading it
        stream.write(data)
    with contextlib.suppress(OSError):
        stream.close()


def _watch_growth(path: Path, progress: Callable[[], None], over: threading.Event) -> None:
    before = _size(path)
    while not over.wait(_LOOK):
        now = _size(path)
        if now != before:
            progress()
        before = now


def _size(path: Path) -> int:
    """Bytes of a file, or of the files of a folder; a file that vanishes meanwhile counts nothing."""
    try:
        entries = list(path.iterdir()) if path.is_dir() else [path]
    except OSError:
        return 0
    total = 0
    for entry in entries:
        with contextlib.suppress(OSError):
            total += entry.stat().st_size
    return total


def _end_group(group: int) -> bool:
    """Kill what is left of a process group; True when there was something."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True
