"""Ways in which the null backend fails on demand: of the process, of the protocol, of the audio, of the tokens."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
from pydantic import Field

from harness.backends.base import BackendRefused, NoAudio
from harness.backends.settings import Settings
from harness.core.records import Synthesis


class Failure(Settings):
    """One entry of the plan of failures; it strikes where every condition given holds."""

    kind: str
    chunks: list[str] | None = None  # ids
    every: int | None = Field(default=None, ge=1)  # each n-th request of the process
    first: int | None = Field(default=None, ge=1)  # from the n-th request of the process on: bound to the history
    fraction: float | None = Field(default=None, ge=0, le=1)  # of all (text, seed) pairs: bound to the seed
    seconds: float = Field(default=0.5, ge=0)  # of ``sleep``
    megabytes: float = Field(default=8.0, ge=0)  # of ``spew`` and ``leak``


Fault: TypeAlias = Callable[[Synthesis, Failure], Synthesis]
KINDS: dict[str, Fault] = {}
_leaked: list[bytearray] = []


def _kind(name: str) -> Callable[[Fault], Fault]:
    def register(fault: Fault) -> Fault:
        KINDS[name] = fault
        return fault

    return register


def fail_to_load(how: str) -> None:
    """Fail while loading: ``raise``, ``hang`` or ``crash``; anything else loads."""
    if how == "raise":
        raise RuntimeError("the null backend was asked to fail while loading")
    if how == "hang":
        _sleep_for_ever()
    if how == "crash":
        print("null backend: about to crash while loading", file=sys.stderr, flush=True)
        _die(signal.SIGSEGV)


def _sleep_for_ever() -> NoReturn:
    while True:
        time.sleep(3600)


def _die(number: signal.Signals) -> NoReturn:
    os.kill(os.getpid(), number)
    _sleep_for_ever()


# ------------------------------------------------------------------------------------- of the process
@_kind("crash")
def _crash(made: Synthesis, failure: Failure) -> Synthesis:
    """Read address 0: a true segmentation fault."""
    ctypes.string_at(0)
    return made


@_kind("kill")
def _kill(made: Synthesis, failure: Failure) -> Synthesis:
    """Do what the system does when memory runs out."""
    _die(signal.SIGKILL)


@_kind("abort")
def _abort(made: Synthesis, failure: Failure) -> Synthesis:
    os.abort()


@_kind("exit")
def _exit(made: Synthesis, failure: Failure) -> Synthesis:
    print("null backend: leaving", file=sys.stderr, flush=True)
    os._exit(3)


@_kind("hang")
def _hang(made: Synthesis, failure: Failure) -> Synthesis:
    _sleep_for_ever()


@_kind("hang-in-c")
def _hang_in_c(made: Synthesis, failure: Failure) -> Synthesis:
    """Hang inside native code that never lets another Python thread run."""
    ctypes.PyDLL(None).sleep(3600)
    return made


@_kind("fork-and-hang")
def _fork_and_hang(made: Synthesis, failure: Failure) -> Synthesis:
    """Start a child that hangs, and a grandchild that left the session as a daemon does."""
    sleeper = [sys.executable, "-c", "import time; time.sleep(3600)"]
    daemon = "import os, sys; os.fork() and os._exit(0); os.setsid(); os.execv(sys.executable, sys.argv[1:])"
    subprocess.Popen(sleeper)
    subprocess.run([sys.executable, "-c", daemon, *sleeper], check=True)
    _sleep_for_ever()


@_kind("sleep")
def _sleep(made: Synthesis, failure: Failure) -> Synthesis:
    time.sleep(failure.seconds)
    return made


@_kind("leak")
def _leak(made: Synthesis, failure: Failure) -> Synthesis:
    size = int(failure.megabytes * 1e6)
    block = bytearray(size)
    block[::4096] = b"x" * len(range(0, size, 4096))  # touched, so that it is resident
    _leaked.append(block)
    return made


@_kind("spew")
def _spew(made: Synthesis, failure: Failure) -> Synthesis:
    line = b"null backend: \xff something to say about nothing, again\n"
    for _ in range(int(failure.megabytes * 1e6 / len(line)) + 1):
        os.write(2, line)
    os.write(2, b"end of the noise\n")
    return made


# ------------------------------------------------------------------------------------ of the protocol
def _pipes() -> list[int]:
    """Descriptors a stray write may hit, as after a descriptor is closed twice in native code."""
    pipes = []
    for entry in Path("/dev/fd").iterdir():
        try:
            if int(entry.name) > 2 and entry.readlink().name.startswith("pipe:"):
                pipes.append(int(entry.name))
        except OSError:
            continue
    return pipes


def _write_everywhere(data: bytes) -> None:
    for fd in _pipes():
        try:
            os.write(fd, data)
        except OSError:  # the reading end of a pipe
            continue


@_kind("garbage")
def _garbage(made: Synthesis, failure: Failure) -> Synthesis:
    _write_everywhere(b"\x00\x01 not what was agreed \xff" * 40)
    return made


@_kind("half-message")
def _half_message(made: Synthesis, failure: Failure) -> Synthesis:
    from harness.backends.protocol import encode_frame

    _write_everywhere(b"".join(encode_frame({"kind": "reply"}, {"samples": np.zeros(100, np.float32)}))[:150])
    _sleep_for_ever()


@_kind("close-pipe")
def _close_pipe(made: Synthesis, failure: Failure) -> Synthesis:
    for fd in _pipes():
        os.close(fd)
    _sleep_for_ever()


# ------------------------------------------------------------------------- of the answer and the audio
@_kind("error")
def _error(made: Synthesis, failure: Failure) -> Synthesis:
    raise BackendRefused("the null backend was asked to refuse")


@_kind("raise")
def _raise(made: Synthesis, failure: Failure) -> Synthesis:
    raise ValueError("the null backend was asked to raise")


@_kind("no-audio")
def _no_audio(made: Synthesis, failure: Failure) -> Synthesis:
    raise NoAudio("the null backend was asked to give nothing", made)


@_kind("no-frames")
def _no_frames(made: Synthesis, failure: Failure) -> Synthesis:
    made.samples = np.zeros(0, np.float32)
    return made


@_kind("text-file")
def _text_file(made: Synthesis, failure: Failure) -> Synthesis:
    with tempfile.NamedTemporaryFile("w", suffix=".wav", delete=False) as file:
        file.write("Error: out of credits\n")
    made.samples, made.audio_path = None, Path(file.name)
    return made


def _of_samples(name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    def fault(made: Synthesis, failure: Failure) -> Synthesis:
        assert made.samples is not None
        made.samples = change(made.samples).astype(np.float32)
        return made

    KINDS[name] = fault


def _noise(samples: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, len(samples))


_of_samples("nan", lambda x: np.where(np.arange(len(x)) % 100 == 50, np.nan, x))
_of_samples("silence", lambda x: np.zeros_like(x))
_of_samples("constant", lambda x: np.full_like(x, 0.25))
_of_samples("clip", lambda x: np.clip(x * 20, -1, 1))
_of_samples("short", lambda x: x[: max(1, len(x) // 20)])
_of_samples("twice", lambda x: np.concatenate([x, x]))
_of_samples("noise", _noise)
_of_samples("periodic", lambda x: np.tile(np.array([0.4, -0.1, -0.4, 0.1]), len(x) // 4 + 1)[: len(x)])


@_kind("token-range")
def _token_range(made: Synthesis, failure: Failure) -> Synthesis:
    if made.tokens is not None:
        made.tokens[len(made.tokens) // 2] = 100_000
    return made


@_kind("token-collapse")
def _token_collapse(made: Synthesis, failure: Failure) -> Synthesis:
    if made.tokens is not None:
        made.tokens %= 4
    return made
