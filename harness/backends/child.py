"""The worker's side of the pipe: load one adapter, answer requests, never judge."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.audio import RATES, AudioError, read_audio
from harness.backends import ADAPTERS
from harness.backends.answers import usable, usable_rate
from harness.backends.base import Backend, BackendAway, BackendFault, BackendRefused, BadAudio, NoAudio, ProgramDied
from harness.backends.meter import own_cpu
from harness.backends.protocol import (
    FrameDecoder,
    Message,
    ProtocolError,
    capabilities_to_json,
    encode_frame,
    plain_json,
    variant_from_json,
)
from harness.backends.raw import fault_of
from harness.core.errors import SoakError
from harness.core.records import Capabilities, Json, Outcome, Request, Samples, Synthesis

HEARTBEAT = 0.2  # s between two signs of life on the pipe
DETAIL_LIMIT = 4096  # characters of one line; the store cuts it shorter once it is redacted

_OUTCOMES: tuple[tuple[type[Exception], Outcome], ...] = (
    (BackendAway, Outcome.AWAY),
    (BackendRefused, Outcome.ERROR),
    (NoAudio, Outcome.NO_AUDIO),
    (BadAudio, Outcome.BAD_AUDIO),
    (AudioError, Outcome.BAD_AUDIO),
    (ProgramDied, Outcome.CRASH),
)


class Pipe:
    """Requests in, replies and heartbeats out, over two inherited file descriptors."""

    def __init__(self, requests: int, replies: int) -> None:
        # a program started by an adapter must not hold the pipe open after this process has died
        os.set_inheritable(requests, False)
        os.set_inheritable(replies, False)
        self._requests, self._replies = requests, replies
        self._lock = threading.Lock()
        self._last_beat = 0.0

    def messages(self) -> Iterator[Message]:
        """Yield messages until the harness closes its end."""
        decoder = FrameDecoder()
        while data := os.read(self._requests, 1 << 16):
            yield from decoder.feed(data)

    def send(self, header: Mapping[str, object], arrays: dict[str, NDArray[np.generic]] | None = None) -> None:
        """Write one frame whole."""
        parts = encode_frame(header, arrays)
        with self._lock:
            for part in parts:
                view = memoryview(part)
                while view:
                    view = view[os.write(self._replies, view) :]

    def beat(self) -> None:
        """Say that there is life, at most every ``HEARTBEAT`` seconds."""
        now = time.monotonic()
        if now - self._last_beat >= HEARTBEAT:
            self._last_beat = now
            self.send({"kind": "progress"})


def answer_requests(requests: int, replies: int) -> None:
    """Answer requests until told to stop or until the harness is gone."""
    faulthandler.enable()
    pipe = Pipe(requests, replies)
    try:
        pipe.send({"kind": "hello", "pid": os.getpid()})
        _serve(pipe)
    except BrokenPipeError:  # the harness is gone; nobody is left to be told
        return


def _serve(pipe: Pipe) -> None:
    messages = pipe.messages()
    variant = variant_from_json(next(messages).header["variant"])
    try:
        backend = ADAPTERS.get(variant.adapter)()
        capabilities = backend.load(variant)
        said = capabilities_to_json(capabilities)
    except Exception as error:
        _show(error)
        pipe.send({"kind": "load-failed", "detail": error_line(error)})
        return
    _flush()
    pipe.send({"kind": "loaded", "capabilities": said})
    for message in messages:
        if message.kind == "stop":
            break
        if message.kind == "reset":
            _reset(pipe, backend)
        else:
            request = Request(**{**message.header["request"], "tokens": message.tokens})
            started = own_cpu()
            header, arrays = _answer(pipe, backend, capabilities, request)
            header["cpu_seconds"] = max(0.0, own_cpu() - started)
            _flush()
            try:
                pipe.send(header, arrays)
            except ProtocolError as error:
                pipe.send({**header, "outcome": str(Outcome.BAD_AUDIO), "detail": error_line(error)})
    with contextlib.suppress(BrokenPipeError):
        backend.close()


def _reset(pipe: Pipe, backend: Backend) -> None:
    try:
        backend.reset()
        pipe.send({"kind": "reset", "detail": ""})
    except Exception as error:
        _show(error)
        pipe.send({"kind": "reset", "detail": error_line(error)})


def _answer(
    pipe: Pipe, backend: Backend, capabilities: Capabilities, request: Request
) -> tuple[Json, dict[str, NDArray[np.generic]]]:
    synthesis = Synthesis()
    samples: Samples | None = None
    outcome, detail = Outcome.OK, ""
    try:
        synthesis = _decoded(backend, request) if request.tokens is not None else backend.synthesize(request, pipe.beat)
        samples, synthesis.sample_rate, repairs = _audio(synthesis, capabilities)
        if repairs:
            synthesis.notes = {
                **(synthesis.notes if isinstance(synthesis.notes, Mapping) else {}),
                "repairs": list(repairs),
            }
    except Exception as error:
        outcomes = [word for kind, word in _OUTCOMES if isinstance(error, kind)]
        outcome, detail = (outcomes or [Outcome.ERROR])[0], error_line(error)
        partial = getattr(error, "partial", None)
        synthesis = (
            partial
            if isinstance(partial, Synthesis)
            else synthesis
            if isinstance(synthesis, Synthesis)
            else Synthesis()
        )
        if isinstance(error, BackendAway):
            synthesis.notes = {**synthesis.notes, "lasting": error.lasting}
        if not outcomes:
            _show(error)
    said, tokens = usable(synthesis)
    spoken: dict[str, NDArray[np.generic] | None] = {"samples": samples, "tokens": tokens}
    arrays = {name: array for name, array in spoken.items() if array is not None}
    return {"kind": "reply", "outcome": str(outcome), "detail": detail, **said}, arrays


def _decoded(backend: Backend, request: Request) -> Synthesis:
    """Sound of the request's tokens, past the language model. Raises BackendRefused where there is no such stage."""
    decode = getattr(backend, "decode", None)
    if decode is None:
        raise BackendRefused("the adapter has no decode(tokens): its vocoder cannot be asked alone")
    return Synthesis(samples=decode(request.tokens), tokens=request.tokens)


def _audio(made: Synthesis, capabilities: Capabilities) -> tuple[Samples, int, tuple[str, ...]]:
    """Return samples, rate and what had to be repaired. Raises NoAudio, BadAudio or AudioError."""
    if made.samples is None and made.audio_path is not None:
        if not made.audio_path.is_file():
            raise NoAudio(f"no audio file {made.audio_path}")
        if made.audio_path.stat().st_size == 0:
            raise NoAudio(f"the audio file is empty ({made.audio_path.name})")
        try:
            read = read_audio(made.audio_path, quote=_own(made.audio_path))
        except AudioError as error:
            raise fault_of(error, made, made.audio_path) from None
        return read.samples, read.sample_rate, tuple(read.repairs)
    if made.samples is None:
        raise NoAudio("the backend gave no audio")
    samples = np.asarray(made.samples)
    if samples.ndim != 1:
        raise BadAudio(f"the adapter gave audio of shape {samples.shape}, not (samples,)")
    if len(samples) == 0:
        raise NoAudio("the backend gave no frames")
    if not np.issubdtype(samples.dtype, np.floating):
        raise BadAudio(f"the adapter gave samples of type {samples.dtype}, not floating point in [-1, 1]")
    asked = made.sample_rate if made.sample_rate is not None else capabilities.sample_rate
    rate = usable_rate(asked)
    if rate is None:
        low, high = RATES
        raise BadAudio(
            f"the adapter gave no usable sample rate ({plain_json(asked)!s:.60}); {low} to {high} Hz can be read"
        )
    with np.errstate(over="ignore"):
        return samples.astype(np.float32, copy=False), rate, ()


def _own(path: Path) -> bool:
    """Whether a file was made in the worker's own folder, so that its bytes may be shown in a report."""
    return not path.is_symlink() and path.resolve().is_relative_to(Path(tempfile.gettempdir()).resolve())


def error_line(error: BaseException) -> str:
    """Return one line for an exception: what a project error says, else the type and the first line of the message."""
    expected = (BackendFault, SoakError, ProtocolError)
    try:
        text = " ".join(str(error).split("\n", 1)[0].split())
    except Exception:  # an exception of somebody else's whose own text raises
        text = ""
    if not isinstance(error, expected):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= DETAIL_LIMIT else text[: DETAIL_LIMIT - 1] + "…"


def _show(error: BaseException) -> None:
    traceback.print_exception(error, file=sys.stderr)
    _flush()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
