"""A living program on the other end of its standard input and output."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HEARD_LIMIT = 8 << 20  # bytes kept of what is printed for one request
_SETTLE = 1.0  # s that a program may go on printing while its log is read
_LOOK = 0.1  # s between two looks at whether it still lives


class Conversation:
    """Writes lines and waits for what is printed, stdout and stderr together.

    With ``terminal`` its stdout is a pseudo-terminal: many programs print each line at once only to one. Raises
    OSError when the program cannot be started. Bytes are passed on to the worker's own stderr.
    """

    def __init__(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], terminal: bool, pass_fds: Sequence[int] = ()
    ) -> None:
        self._heard = bytearray()
        self._place = 0  # bytes of ``_heard`` that an earlier wait has used up
        self._closed = False
        self._changed = threading.Condition()
        self._life = 0
        read, write = _terminal() if terminal else os.pipe()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=write,
                stderr=write,
                cwd=cwd,
                env={**os.environ, **env},
                process_group=0,
                pass_fds=pass_fds,
            )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        self._stream = read
        threading.Thread(target=self._listen, daemon=True).start()

    def write(self, line: str) -> None:
        """Write one line. Raises OSError when nobody reads any more."""
        assert self._process.stdin is not None
        with self._changed:
            if self._heard and not self._heard.endswith(b"\n"):
                self._heard += b"\n"  # as on a screen, where Enter ends the line that the prompt began
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def forget(self) -> None:
        """Start a new request: what was printed so far is no longer heard."""
        with self._changed:
            self._heard.clear()
            self._place = 0

    @property
    def life(self) -> int:
        """Return a number that changes with every sign of life."""
        return self._life

    def heard(self) -> str:
        """Return what was printed since :meth:`forget`, with all that has been written by now."""
        end = time.monotonic() + _SETTLE
        while True:
            with self._changed:
                # what stands in the pipe was printed before: an answer on another channel may have overtaken it
                if self._closed or not _readable(self._stream, 0.0) or time.monotonic() > end:
                    return bytes(self._heard).decode("utf-8", "replace")
            time.sleep(0.001)

    def wait_for(self, patterns: Sequence[str], progress: Callable[[], None]) -> str | None:
        """Wait until one of ``patterns`` stands in what is printed, after what earlier waits have used up.

        Returns the pattern whose match begins first; None when the program ended without printing any.
        """
        length = -1
        while True:
            with self._changed:
                if self._life == length and not self._closed:
                    self._changed.wait(_LOOK)
                if self._life != length:
                    length = self._life
                    progress()
                match = self._search(patterns)
                if match is not None or (self._closed and self._life == length):
                    return match
            if not self._closed and self._process.poll() is not None:
                self._settle()

    def code(self, patience: float = 1.0) -> int | None:
        """Return code, negative for a signal; None when it still runs after ``patience`` seconds."""
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def last_line(self) -> str:
        """Return the last line that is not empty."""
        lines = [line.strip() for line in self.heard().splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def end(self, lines: Sequence[str], patience: float, *, ask: bool = False) -> None:
        """Write ``lines``, close the program's input, and kill its group after ``patience`` seconds.

        ``ask`` also sends SIGTERM, for programs that do not read.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it may have ended already
            for line in lines:
                self.write(line)
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        if ask:
            self._process.terminate()
        self.code(patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _search(self, patterns: Sequence[str]) -> str | None:
        rest = bytes(self._heard[self._place :]).decode("utf-8", "surrogateescape")
        matches = [(match, pattern) for pattern in patterns if (match := re.search(pattern, rest, re.M))]
        if not matches:
            return None
        match, pattern = min(matches, key=lambda pair: pair[0].start())
        self._place += len(rest[: match.end()].encode("utf-8", "surrogateescape"))
        return pattern

    def _settle(self) -> None:
        """Wait a moment, as the program is dead, for the last it printed (a child of it may hold the pipe open)."""
        end = time.monotonic() + 1.0
        while not self._closed and time.monotonic() < end:
            time.sleep(0.01)
        with self._changed:
            self._closed = True

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # a pseudo-terminal says EIO at its end
            while True:
                _readable(self._stream, None)
                with self._changed:  # reading too: nobody may find the pipe empty before its bytes are heard
                    data = os.read(self._stream, 1 << 16)
                    if not data:
                        break
                    self._take(data)
                    self._changed.notify_all()
                with contextlib.suppress(OSError):
                    os.write(2, data)
        with self._changed:
            self._closed = True
            os.close(self._stream)
            self._changed.notify_all()

    def _take(self, data: bytes) -> None:
        self._life += 1
        self._heard += data.replace(b"\r\n", b"\n")
        extra = len(self._heard) - HEARD_LIMIT
        if extra > 0:
            del self._heard[:extra]
            self._place = max(0, self._place - extra)


def _readable(stream: int, patience: float | None) -> bool:
    """Whether there are bytes, or the end, to be read within ``patience`` seconds (None: wait for them)."""
    return bool(select.select([stream], [], [], patience)[0])


def _terminal() -> tuple[int, int]:
    """Open a pseudo-terminal that changes nothing of what is written."""
    read, write = pty.openpty()
    modes = termios.tcgetattr(write)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(write, termios.TCSANOW, modes)
    return read, write
