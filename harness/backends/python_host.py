"""Runs somebody's callable in an interpreter of its own.

Run by path, standard library only, any Python from 3.9 on, so that it works in the environment of the code under test.
Requests come as JSON lines on what was stdin, answers go as JSON lines to a file descriptor of their own; the callable
may print and log what it likes. Audio goes through files in a temporary folder.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # this folder has files named like modules of the standard library
    del sys.path[0]

import asyncio
import importlib
import importlib.util
import inspect
import json
import logging
import os
import random
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypedDict, cast


class HostRequest(TypedDict, total=False):
    """What the host is asked to ``do``: load (all hooks), speak, reset or teardown."""

    number: int
    do: str
    path: list[str]
    setup: str | None
    setup_arguments: dict[str, object]
    call: str
    reset: str | None
    teardown: str | None
    arguments: dict[str, object]
    seed_generators: int | None
    output: str
    data: str


class HostAnswer(TypedDict, total=False):
    """What the host answers: its version, a sign of life, an error, or where the audio is (``kind``)."""

    number: int
    python: str
    progress: bool
    error: str
    kind: str
    path: str
    old: bool
    rate: int | None
    channels: int
    first: float | None


class Host:
    """The callable with what was set up for it."""

    def __init__(self, asked: HostRequest) -> None:
        for folder in reversed(asked["path"]):
            sys.path.insert(0, folder)
        self._began = time.time()
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._state: object = None
        if asked["setup"]:
            self._state = _finish(resolve(asked["setup"])(**asked["setup_arguments"]))
        self._call = resolve(asked["call"], self._state)
        self._reset = resolve(asked["reset"], self._state) if asked["reset"] else None
        self._teardown = resolve(asked["teardown"], self._state) if asked["teardown"] else None

    def speak(self, asked: HostRequest, beat: Callable[[], None]) -> HostAnswer:
        """Call it once; say what it gave."""
        if asked["seed_generators"] is not None:
            seed_all(asked["seed_generators"])
        arguments = {
            name: self._state if value == {"placeholder": "state"} else value
            for name, value in asked["arguments"].items()
        }
        started = time.monotonic()
        given = _finish(self._call(**arguments))
        if given is None and Path(asked["output"]).exists():
            given = asked["output"]
        return self._described(given, Path(asked["data"]), started, beat)

    def reset(self) -> None:
        """Call the reset hook."""
        if self._reset is not None:
            _finish(self._reset())

    def teardown(self) -> None:
        """Call the teardown hook."""
        if self._teardown is not None:
            _finish(self._teardown())

    def _described(self, given: object, data: Path, started: float, beat: Callable[[], None]) -> HostAnswer:
        if given is None:
            return {"kind": "none"}
        if isinstance(given, (str, os.PathLike)):
            return self._path(Path(os.fspath(given)).absolute())
        if isinstance(given, (bytes, bytearray, memoryview)):
            data.write_bytes(given)
            return {"kind": "bytes"}
        rate, given = _parted(given)
        if inspect.isgenerator(given) or (hasattr(given, "__next__") and not hasattr(given, "shape")):
            return _streamed(cast("Iterator[object]", given), rate, data, started, beat)
        channels, samples = plain_samples(given)
        data.write_bytes(samples)
        return {"kind": "array", "rate": rate, "channels": channels}

    def _path(self, path: Path) -> HostAnswer:
        if not path.is_file():
            return {"kind": "path", "path": str(path)}
        status = path.stat()
        signature = (status.st_mtime_ns, status.st_size, status.st_ino)
        old = self._seen.get(str(path)) == signature or status.st_mtime < self._began - 1.0
        self._seen[str(path)] = signature
        return {"kind": "path", "path": str(path), "old": old}


def resolve(name: str, state: object = None) -> Callable[..., object]:
    """Return ``module:attribute``, ``file.py:attribute``, or, where nothing precedes the colon, of ``state``."""
    place, _, attribute = name.partition(":")
    value: object = state
    if place.endswith(".py"):
        path = Path(place).absolute()
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {path}")
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        value = sys.modules.get(path.stem)
        if value is None or getattr(value, "__file__", None) != str(path):
            value = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = value
            spec.loader.exec_module(value)
    elif place:
        value = importlib.import_module(place)
    for part in attribute.split("."):
        value = getattr(value, part)
    if not callable(value):
        raise TypeError(f"{name} cannot be called, it is a {type(value).__name__}")
    return value


def seed_all(seed: int) -> None:
    """Seed the generators of Python, and of numpy and torch where they are in use."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def plain_samples(given: object) -> tuple[int, bytes]:
    """Return channels and float32 little-endian samples, interleaved, of a numpy array, a torch tensor or a list.

    Integers are divided by their full scale. Of two dimensions the shorter one is taken for the channels.
    """
    import numpy as np

    for step in ("detach", "float", "cpu", "numpy"):  # a tensor; bfloat16 has no numpy type
        if not isinstance(given, np.ndarray) and hasattr(given, step):
            keep = step == "float" and not getattr(given, "is_floating_point", lambda: True)()
            given = given if keep else getattr(given, step)()
    array = np.asarray(given)
    if np.issubdtype(array.dtype, np.integer):
        info = np.iinfo(array.dtype)
        middle = 0 if info.min < 0 else 2 ** (info.bits - 1)
        array = (array.astype(np.float64) - middle) / 2 ** (info.bits - 1)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"an array of {array.dtype} is no audio")
    array = array.reshape([size for size in array.shape if size != 1]) if array.size else array.reshape(-1)
    if array.ndim == 0:
        array = array.reshape(1)
    if array.ndim > 2:
        raise TypeError(f"an array of shape {array.shape} is no audio")
    if array.ndim == 2 and array.shape[0] < array.shape[1]:
        array = array.T
    return (array.shape[1] if array.ndim == 2 else 1), np.ascontiguousarray(array, dtype="<f4").tobytes()


def _parted(given: object) -> tuple[int | None, object]:
    """(rate or None, audio) of a pair in either order, of a table as transformers has it, or of audio alone."""
    if isinstance(given, dict):
        rate = next((given[key] for key in ("sampling_rate", "sample_rate", "rate", "sr") if key in given), None)
        audio = next((given[key] for key in ("audio", "samples", "wav", "waveform") if key in given), None)
        if audio is None:
            raise TypeError(f"a table with the keys {', '.join(map(repr, given))} is no audio")
        return (int(rate) if rate is not None else None), audio
    if isinstance(given, tuple) and len(given) == 2:
        for rate, audio in (given, given[::-1]):
            if _is_rate(rate) and not _is_rate(audio):
                return int(rate), audio
    return None, given


def _is_rate(value: Any) -> bool:
    if isinstance(value, bool) or getattr(value, "shape", ()) != ():
        return False
    try:
        return float(value) == int(value) and 1000 <= int(value) <= 384000
    except (TypeError, ValueError):
        return False


def _streamed(
    pieces: Iterable[object], rate: int | None, data: Path, started: float, beat: Callable[[], None]
) -> HostAnswer:
    """Pieces of audio one after the other; ``first``: s until the first of them that has samples."""
    first, channels = None, 1
    with data.open("wb") as file:
        for piece in pieces:
            beat()
            of_piece, audio = _parted(piece)
            rate = of_piece or rate
            channels, samples = plain_samples(audio)
            file.write(samples)
            if samples and first is None:
                first = time.monotonic() - started
    return {"kind": "array", "rate": rate, "channels": channels, "first": first}


def _finish(given: object) -> object:
    if inspect.iscoroutine(given):
        return asyncio.run(given)
    return given


def serve_callable(requests: Iterable[str], answers: IO[str]) -> None:
    """Answer requests until there are no more."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)

    number = 0

    def say(answer: HostAnswer) -> None:
        # with the request's number: a line that something else writes to this pipe is nobody's answer
        answers.write(json.dumps({**answer, "number": number}) + "\n")
        answers.flush()

    host = None
    for line in requests:
        asked: HostRequest = json.loads(line)
        number = asked["number"]
        try:
            if asked["do"] == "load":
                host = Host(asked)
                say({"python": sys.version.split()[0]})
            elif host is not None and asked["do"] == "speak":
                say(host.speak(asked, lambda: say({"progress": True})))
            elif host is not None:
                getattr(host, asked["do"])()
                say({"kind": "none"})
        except BaseException as error:  # sys.exit in the callable too is an answer
            traceback.print_exc()
            text = " ".join(str(error).split())
            say({"error": f"{type(error).__name__}: {text}" if text else type(error).__name__})
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


if __name__ == "__main__":
    _requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    _nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(_nothing, 0)  # a callable that reads stdin must not read requests
    _fd = int(sys.argv[1])
    os.set_inheritable(_fd, False)
    serve_callable(_requests, os.fdopen(_fd, "w", encoding="utf-8"))
