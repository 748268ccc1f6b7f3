"""One worker process as the harness holds it: spawn, talk, keep the last lines it printed, kill its whole tree."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from harness.backends import guardian
from harness.backends.guardian import kill_below
from harness.backends.protocol import FrameDecoder, Message, encode_frame

# Many times what is stored in the end: what shows a secret (the head of a key, the name before a value) has to be
# there when it is redacted, and only then may be cut off.
TAIL_BYTES = 1 << 16
_READ = 1 << 18


class Tail:
    """Drains a stream for as long as it is open and keeps its last bytes, so that a talkative program never blocks."""

    def __init__(self, stream: IO[bytes], limit: int = TAIL_BYTES) -> None:
        self._fd = stream.fileno()
        self._stream = stream
        self._limit = limit
        self._kept = bytearray()
        self._torn = False  # the first line lacks its beginning
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._drain, name="worker-tail", daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        while data := os.read(self._fd, 1 << 16):
            with self._lock:
                self._kept += data
                self._torn |= len(self._kept) > self._limit
                del self._kept[: -self._limit]

    def clear(self) -> None:
        """Forget what was printed so far."""
        with self._lock:
            self._kept.clear()
            self._torn = False

    def settle(self, patience: float = 0.2) -> None:
        """Wait until what is already in the pipe has been taken, or for ``patience`` seconds."""
        end = time.monotonic() + patience
        while self._thread.is_alive() and time.monotonic() < end and select.select([self._fd], [], [], 0)[0]:
            time.sleep(0.001)

    def text(self) -> str:
        """Return the last bytes, decoded with replacement, from the beginning of a line on where there is one."""
        with self._lock:
            text, torn = bytes(self._kept).decode("utf-8", "replace"), self._torn
        if not torn:
            return text
        return re.split(r"[\r\n]", text, maxsplit=1)[-1] if re.search(r"[\r\n]", text) else text.partition(" ")[2]

    def close(self) -> None:
        """Wait for the end of the stream; to be called when its writers are dead."""
        self._thread.join(2.0)
        if not self._thread.is_alive():
            self._stream.close()


class WorkerProcess:
    """A guardian with the worker below it, and the pipes to them.

    The environment is handed on whole, because programs under test need theirs; nothing of it is recorded. Temporary
    files of the worker and its programs go to a folder below ``workdir`` that is removed at the end.
    """

    def __init__(self, workdir: Path) -> None:
        workdir.mkdir(parents=True, exist_ok=True)
        self.scratch = Path(tempfile.mkdtemp(prefix="worker-", dir=workdir))
        self.pid: int | None = None  # of the worker, known after its first message
        self._decoder = FrameDecoder()
        self._messages: list[Message] = []
        guard, self._lifeline = os.pipe()
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        os.set_blocking(self._requests, False)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", guardian.__file__, str(guard), str(requests), str(replies), str(self.scratch)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(guard, requests, replies),
                start_new_session=True,
                env={**os.environ, "TMPDIR": str(self.scratch)},
            )
        finally:
            for fd in (guard, requests, replies):
                os.close(fd)
        assert self._process.stdout is not None
        self.tail = Tail(self._process.stdout)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(
        self, header: Mapping[str, object], deadline: float, arrays: Mapping[str, NDArray[np.generic]] | None = None
    ) -> None:
        """Write one frame. Raises TimeoutError at ``deadline`` (monotonic), BrokenPipeError when nobody reads."""
        for part in encode_frame(header, arrays):
            view = memoryview(part)
            while view:
                if not select.select([], [self._requests], [], max(0.0, deadline - time.monotonic()))[1]:
                    raise TimeoutError
                with contextlib.suppress(BlockingIOError):
                    view = view[os.write(self._requests, view) :]

    def receive(self, wait: float) -> tuple[Message | None, int]:
        """Wait up to ``wait`` seconds for bytes; returns a frame if one is complete, and how many bytes came.

        Raises EOFError when the worker's end is closed and ProtocolError for bytes that are no frame.
        """
        if not self._messages:
            if not select.select([self._replies], [], [], max(0.0, wait))[0]:
                return None, 0
            data = os.read(self._replies, _READ)
            if not data:
                raise EOFError
            self._messages += self._decoder.feed(data)
            return (self._messages.pop(0) if self._messages else None), len(data)
        return self._messages.pop(0), 0

    def last_words(self) -> str:
        """Return how it ended: ``signal 11 (SIGSEGV)`` or ``exit 3``; waits a moment for the end."""
        try:
            code = self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            return "closed its pipe to the harness and kept running"
        return ending(code)

    def kill(self) -> None:
        """End the worker and everything below it; returns when they are dead. Safe to call again."""
        if self._lifeline >= 0:
            os.close(self._lifeline)  # the guardian sees this and kills the tree
            self._lifeline = -1
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:  # a stopped guardian: do its work
            kill_below(self._process.pid)
            self._process.kill()
            self._process.wait(5.0)
        self._release()

    def finish(self, patience: float) -> None:
        """Wait for the worker to end by itself; kill it after ``patience`` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self.kill()

    def _release(self) -> None:
        self.tail.close()
        for name in ("_requests", "_replies"):
            fd = getattr(self, name)
            if fd >= 0:
                os.close(fd)
                setattr(self, name, -1)
        shutil.rmtree(self.scratch, ignore_errors=True)


def ending(code: int) -> str:
    """Say a return code of ``subprocess`` in words."""
    if code >= 0:
        return f"exit {code}"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"
