"""The worker as a session drives it: one living backend in a process of its own.

Whatever the backend does becomes a :class:`Reply`. After a crash, a hang or a timeout its whole process tree is dead.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from harness.backends.answers import Hello, LoadedAnswer, LoadFailed, ReplySaid, ResetDone, read_answer
from harness.backends.meter import Meter
from harness.backends.process import WorkerProcess
from harness.backends.protocol import Message, ProtocolError, capabilities_from_json, request_to_json, variant_to_json
from harness.core.errors import SoakError
from harness.core.records import Capabilities, Outcome, Request, Samples, Tokens, Variant
from harness.core.records.answered import Notes, StoredCapabilities

HELLO_TIMEOUT = 60.0  # s for Python itself to start
STOP_TIMEOUT = 5.0  # s for the backend to close
TEXT_LIMIT = 4_000_000  # characters of one request
_FIRST_SAMPLE, _SAMPLE = 0.005, 0.1  # s between two looks at memory, growing from the first to the second


class BackendLoadFailed(SoakError):
    """The backend could not be loaded: it refused, crashed or hung."""


@dataclass(frozen=True)
class Reply:
    """How one request ended, and what it took. Seconds, bytes, Hz; None where it is not known."""

    outcome: Outcome
    detail: str = ""
    samples: Samples | None = None
    sample_rate: int | None = None
    tokens: Tokens | None = None
    token_count: int | None = None
    finish_reason: str | None = None
    ttfa: float | None = None
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, object] = field(default_factory=dict)
    wall_seconds: float = 0.0  # monotonic
    cpu_seconds: float | None = None  # of the worker's whole tree during the request, ended children included
    rss_bytes: int | None = None
    peak_rss_bytes: int | None = None  # high-water during the request, of the worker and its children
    stderr_tail: str = ""  # last bytes of what was printed during the request, stdout and stderr together

    @property
    def noted(self) -> Notes:
        """Return the notes that the harness reads, with their types."""
        return cast(Notes, self.notes)


class _Died(Exception):
    """The worker is dead or must be; carries the outcome and one line."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome


class Worker:
    """One backend at a time, restarted on demand.

    ``request_timeout`` and ``progress_timeout`` (s) default to the variant's; ``load_timeout`` to the request's, at
    least 120 s. Temporary files go below ``workdir`` and are removed with the process. Use it from one thread.
    """

    def __init__(
        self,
        variant: Variant,
        workdir: Path,
        *,
        request_timeout: float | None = None,
        progress_timeout: float | None = None,
        load_timeout: float | None = None,
    ) -> None:
        self.variant = variant
        self.capabilities = Capabilities()
        self._workdir = workdir
        self._request_timeout = request_timeout if request_timeout is not None else variant.request_timeout
        self._progress_timeout = progress_timeout if progress_timeout is not None else variant.progress_timeout
        self._load_timeout = load_timeout if load_timeout is not None else max(120.0, self._request_timeout)
        self._process: WorkerProcess | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int | None:
        """Return the process id of the worker; None when there is none."""
        return self._process.pid if self._process is not None else None

    def start(self) -> Capabilities:
        """Start the process and load the backend.

        Raises BackendLoadFailed with one line: the backend's own reason, else how it ended and the last it printed.
        """
        self.stop()
        self._process = WorkerProcess(self._workdir)
        try:
            hello = self._expect(("hello",), HELLO_TIMEOUT, "start")
            self._process.pid = read_answer(Hello, hello).pid
            self._process.send({"kind": "load", "variant": variant_to_json(self.variant)}, time.monotonic() + 10.0)
            answer = self._expect(("loaded", "load-failed"), self._load_timeout, "load")
            refused = read_answer(LoadFailed, answer).detail if answer.kind == "load-failed" else None
            said = read_answer(LoadedAnswer, answer).capabilities if refused is None else None
        except (_Died, OSError, ProtocolError) as error:
            raise self._load_failed(str(error) or type(error).__name__, printed=True) from None
        except BaseException:
            self._kill()
            raise
        if refused is not None or said is None:
            raise self._load_failed(refused or "", printed=False)
        self.capabilities = capabilities_from_json(cast(StoredCapabilities, said.model_dump()))
        return self.capabilities

    def restart(self) -> Capabilities:
        """End the process, if there is one, and start a fresh one. Raises BackendLoadFailed."""
        return self.start()

    def request(self, request: Request) -> Reply:
        """Have one text spoken. Never raises for what the backend does; RuntimeError when it was never started."""
        if self._process is None:
            raise RuntimeError("the worker is not started")
        unspeakable = _unspeakable(request.text)
        if unspeakable:
            return Reply(Outcome.ERROR, unspeakable)
        if not self.alive:
            return Reply(Outcome.CRASH, f"dead before the request: {self._process.last_words()}")
        process, started = self._process, time.monotonic()
        process.tail.clear()
        meter = Meter(process.pid or 0)
        try:
            said, message = self._exchange(process, request, meter, started)
        except _Died as death:
            wall = time.monotonic() - started
            self._kill()
            return Reply(
                death.outcome,
                str(death),
                wall_seconds=wall,
                cpu_seconds=meter.cpu,
                rss_bytes=meter.rss,
                peak_rss_bytes=meter.peak,
                stderr_tail=process.tail.text(),
            )
        except BaseException:  # Ctrl-C too: the terminal's signal does not reach the worker's own session
            self._kill()
            raise
        reply = _reply(said, message, time.monotonic() - started, meter, process)
        if reply.outcome in (Outcome.CRASH, Outcome.HANG, Outcome.TIMEOUT):
            self._kill()
        return reply

    def reset(self) -> bool:
        """Have the backend clear its state. False when it cannot; after a failure the worker is dead."""
        if not self.alive or not self.capabilities.resets:
            return False
        assert self._process is not None
        try:
            self._process.send({"kind": "reset"}, time.monotonic() + self._progress_timeout)
            answer = read_answer(ResetDone, self._expect(("reset",), self._request_timeout, "reset"))
        except (_Died, OSError, ProtocolError):
            self._kill()
            return False
        except BaseException:
            self._kill()
            raise
        if answer.detail:
            self._kill()
            return False
        return True

    def stop(self) -> None:
        """Close the backend and end its process; kill it if it does not end within a few seconds."""
        if self._process is None:
            return
        process, self._process = self._process, None
        try:
            if process.alive:
                process.send({"kind": "stop"}, time.monotonic() + 1.0)
                process.finish(STOP_TIMEOUT)
        except OSError:  # it ended just now
            pass
        finally:
            process.kill()

    def _exchange(
        self, process: WorkerProcess, request: Request, meter: Meter, started: float
    ) -> tuple[ReplySaid, Message]:
        """Send a request and wait for its reply under both watchdogs. Raises _Died."""
        deadline, pause = started + self._request_timeout, _FIRST_SAMPLE
        life = started
        try:
            asked = {"kind": "request", "request": request_to_json(request)}
            arrays = {} if request.tokens is None else {"tokens": request.tokens}
            process.send(asked, started + self._progress_timeout, arrays)
            while True:
                message, size = process.receive(pause)
                now = time.monotonic()
                if size:
                    life = now
                if message is not None and message.kind == "reply":
                    meter.sample()
                    return read_answer(ReplySaid, message), message
                if now >= deadline:
                    raise _Died(Outcome.TIMEOUT, f"no answer within {self._request_timeout:g} s")
                if now - life >= self._progress_timeout:
                    raise _Died(Outcome.HANG, f"no sign of life for {self._progress_timeout:g} s")
                if not process.alive:
                    raise EOFError
                if message is None:
                    meter.sample(cpu=True)
                    pause = min(pause * 2, _SAMPLE)
        except (EOFError, BrokenPipeError):
            raise _Died(Outcome.CRASH, process.last_words()) from None
        except TimeoutError:
            raise _Died(Outcome.HANG, f"took no request for {self._progress_timeout:g} s") from None
        except ProtocolError as error:
            raise _Died(Outcome.CRASH, f"wrote on the harness's own pipe: {error}") from None

    def _expect(self, kinds: tuple[str, ...], timeout: float, doing: str) -> Message:
        assert self._process is not None
        deadline = time.monotonic() + timeout
        try:
            while (left := deadline - time.monotonic()) > 0:
                message, _ = self._process.receive(min(left, 0.5))
                if message is not None and message.kind in kinds:
                    return message
                if message is None and not self._process.alive:
                    raise EOFError
        except EOFError:
            raise _Died(Outcome.CRASH, self._process.last_words()) from None
        except ProtocolError as error:
            raise _Died(Outcome.CRASH, f"wrote on the harness's own pipe: {error}") from None
        raise _Died(Outcome.HANG, f"did not {doing} within {timeout:g} s")

    def _load_failed(self, reason: str, printed: bool) -> BackendLoadFailed:
        assert self._process is not None
        self._process.tail.settle()
        self._kill()
        lines = [line.strip() for line in self._process.tail.text().splitlines() if line.strip()]
        last = f" (last output: {lines[-1][:2000]})" if printed and lines else ""
        variant = self.variant
        return BackendLoadFailed(f"variant {variant.name!r}: adapter {variant.adapter!r} did not load: {reason}{last}")

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()


def _reply(said: ReplySaid, message: Message, wall: float, meter: Meter, process: WorkerProcess) -> Reply:
    process.tail.settle()
    samples, tokens = message.samples, message.tokens
    return Reply(
        **said.model_dump(exclude={"kind"}),
        samples=np.asarray(samples, np.float32) if samples is not None and said.outcome is Outcome.OK else None,
        tokens=np.asarray(tokens, np.int32) if tokens is not None else None,
        wall_seconds=wall,
        rss_bytes=meter.rss,
        peak_rss_bytes=meter.peak,
        stderr_tail=process.tail.text(),
    )


def _unspeakable(text: str) -> str:
    """Say why a text cannot be handed to any backend; empty when it can."""
    if len(text) > TEXT_LIMIT:
        return f"the text has {len(text)} characters; at most {TEXT_LIMIT} are handed over in one request"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        return f"the text is not valid Unicode: lone surrogate U+{code:04X} at character {error.start + 1}"
    return ""
