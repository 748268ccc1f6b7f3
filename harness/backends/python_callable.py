"""The python adapter: any callable by its import path, in an interpreter of its own."""

from __future__ import annotations

import json
import os
import re
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np

from harness.audio import AudioError, pcm_to_float, read_audio, read_bytes_of_audio
from harness.backends import python_host
from harness.backends.base import BackendAway, BackendFault, BackendRefused, BadAudio, NoAudio, ProgramDied
from harness.backends.conversation import Conversation
from harness.backends.environment import not_the_text
from harness.backends.log import read_log_line, refuse_if_said
from harness.backends.outside import OutsideAdapter
from harness.backends.process import ending
from harness.backends.python_host import HostAnswer, HostRequest
from harness.backends.python_settings import PythonSettings, check_python_settings, filled
from harness.backends.raw import fault_of, take_read
from harness.core.documents import parse_json
from harness.core.errors import ConfigError, NoFrames
from harness.core.records import Capabilities, Request, Synthesis, Variant

FAREWELL = 5.0  # s for the teardown hook
_LOOK = 0.1
_ANSWER_LIMIT = 16 << 20  # bytes of one line
# exceptions of callables that ask a server themselves, and of interpreters that lack what the callable needs
_AWAY = re.compile(
    "(ConnectionRefused|SSL|SSLCertVerification|Proxy|Connect|NewConnection|MaxRetry|APIConnection)Error"
    "|ConnectTimeout|gaierror"
)
_LACKING = frozenset(("ModuleNotFoundError", "ImportError"))


class PythonBackend(OutsideAdapter[PythonSettings]):
    """Calls a function once a chunk. It may give a path, the bytes of an audio file, or samples with or without a rate.

    Samples: numpy, torch or a list; (samples, rate) in either order; a table with ``audio`` and ``sampling_rate``; or a
    generator of any of these, whose first piece gives the time to first audio. What it prints and logs is its log.
    """

    KIND, CHECK = PythonSettings, staticmethod(check_python_settings)

    def __init__(self) -> None:
        super().__init__()
        self._talk: Conversation | None = None
        self._answers = -1
        self._pending = bytearray()
        self._number = 0  # of the request; its answers carry it

    def load(self, variant: Variant) -> Capabilities:
        """Start the interpreter, import the callable, call the setup hook. Raises BackendRefused, ProgramDied."""
        settings = self._begin(variant)
        folder = settings.folder(variant)
        self._start(settings, folder)
        values = self._known(settings)
        asked: HostRequest = {
            "do": "load",
            "path": [str(folder / each) for each in settings.path] or [str(folder)],
            "setup_arguments": filled(settings.setup_arguments, {**values, "seed": variant.seed}),
            "call": settings.located(settings.call, variant) or "",
            "setup": settings.located(settings.setup, variant),
            "reset": settings.located(settings.reset, variant),
            "teardown": settings.located(settings.teardown, variant),
        }
        answer = self._ask(asked, settings, lambda: None)
        refuse_if_said(self._heard(), settings.fail_on, Synthesis())
        return self._capable(
            settings,
            seeded=settings.seed_generators or "seed" in settings.used,
            resets=settings.reset is not None,
            details={"call": settings.call, "python": answer.get("python"), "interpreter": settings.python or "own"},
        )

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Call it. Raises BackendRefused for its exceptions, ProgramDied, NoAudio or BadAudio."""
        assert self._talk is not None
        settings = self._settings(request.overrides)
        output, data = self._scratch / "output.wav", self._scratch / "data"
        for path in (output, data):
            path.unlink(missing_ok=True)
        values = {**self._known(settings), "text": request.text, "language": request.language, "output": str(output)}
        values |= {"voice": request.voice} if request.voice is not None else {}
        values |= {"seed": request.seed} if request.seed is not None else {}
        self._talk.forget()
        asked: HostRequest = {
            "do": "speak",
            "arguments": filled(settings.arguments, values),
            "seed_generators": request.seed if settings.seed_generators else None,
            "output": str(output),
            "data": str(data),
        }
        answer = self._ask(asked, settings, progress)
        synthesis = read_log_line(self._heard(), settings)
        refuse_if_said(self._heard(), settings.fail_on, synthesis)
        _take(answer, data, settings, synthesis)
        return synthesis

    def reset(self) -> None:
        """Call the reset hook. Raises BackendRefused for its exceptions."""
        self._ask({"do": "reset"}, self._settings(), lambda: None)

    def close(self) -> None:
        """Call the teardown hook and end the interpreter."""
        if self._talk is not None:
            self._talk.end([json.dumps({"do": "teardown", "number": self._number + 1})], FAREWELL)
            os.close(self._answers)
        self._remove_files()

    def _start(self, settings: PythonSettings, folder: Path) -> None:
        self._answers, answers = os.pipe()
        try:
            self._talk = Conversation(
                [settings.python or sys.executable, python_host.__file__, str(answers)],
                cwd=folder,
                env=settings.env,
                terminal=False,
                pass_fds=(answers,),
            )
        except OSError as error:
            raise BackendRefused(f"cannot start {settings.python!r}: {error.strerror or error}") from None
        finally:
            os.close(answers)

    def _known(self, settings: PythonSettings) -> dict[str, object]:
        assert self._variant is not None
        values = {"model": settings.model, "voice": self._variant.voice, "language": self._variant.language}
        given: dict[str, object] = {name: value for name, value in values.items() if value is not None}
        return {**given, "state": {"placeholder": "state"}}

    def _heard(self) -> str:
        assert self._talk is not None
        return self._talk.heard()

    def _ask(self, asked: HostRequest, settings: PythonSettings, progress: Callable[[], None]) -> HostAnswer:
        """Write a request and wait for its answer. Raises BackendRefused or ProgramDied."""
        assert self._talk is not None
        life = -1
        self._number += 1
        try:
            self._talk.write(json.dumps({**asked, "number": self._number}))
        except OSError:
            raise self._died(settings) from None
        while True:
            try:
                answer = self._answer()
            except EOFError:
                raise self._died(settings) from None
            if answer is None:
                if self._talk.code(0.0) is not None and not select.select([self._answers], [], [], 0)[0]:
                    raise self._died(settings)
                if self._talk.life != life:
                    life = self._talk.life
                    progress()
            elif "progress" in answer:
                progress()
            elif "error" in answer:
                raise _refused(str(answer["error"])[:4000], read_log_line(self._heard(), settings))
            else:
                return answer

    def _answer(self) -> HostAnswer | None:
        """Return the next answer if it comes within a moment. Raises EOFError when no more can come."""
        if b"\n" not in self._pending and select.select([self._answers], [], [], _LOOK)[0]:
            data = os.read(self._answers, 1 << 16)
            if not data:
                raise EOFError
            self._pending += data
        line, newline, rest = self._pending.partition(b"\n")
        if not newline:
            if len(self._pending) > _ANSWER_LIMIT:
                self._pending.clear()
            return None
        self._pending = rest
        try:
            answer = parse_json(bytes(line), "an answer")
        except ConfigError:  # not from the host: the callable, or what it started, writes to its pipe
            return None
        ours = isinstance(answer, dict) and answer.get("number") == self._number
        return cast(HostAnswer, answer) if ours else None

    def _died(self, settings: PythonSettings) -> ProgramDied:
        assert self._talk is not None
        code, last = self._talk.code(), self._talk.last_line()
        how = ending(code) if code is not None else "closed its pipe and kept running"
        return ProgramDied(
            f"the interpreter ended: {how}{f' ({last[:2000]})' if last else ''}", read_log_line(self._heard(), settings)
        )


def _refused(error: str, made: Synthesis) -> BackendFault:
    """Return an exception of the callable as a failure; that nobody could be asked tells nothing of the text."""
    name = error.partition(":")[0].rpartition(".")[2]
    if _AWAY.fullmatch(name) or not_the_text(error):
        return BackendAway(error, made)
    return BackendAway(error, made, lasting=True) if name in _LACKING else BackendRefused(error, made)


def _take(answer: HostAnswer, data: Path, settings: PythonSettings, made: Synthesis) -> None:
    """Put samples into ``made``. Raises NoAudio or BadAudio."""
    try:
        _take_kind(answer, data, settings, made)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadAudio(f"the callable's answer cannot be used ({type(error).__name__}: {error})", made) from None


def _take_kind(answer: HostAnswer, data: Path, settings: PythonSettings, made: Synthesis) -> None:
    kind = answer["kind"]
    if kind == "none":
        raise NoAudio("the callable returned nothing", made)
    if kind == "array":
        _take_array(answer, data, settings, made)
        return
    path = data
    if kind == "path":
        path = Path(answer["path"])
        if answer.get("old"):
            raise NoAudio(f"the callable returned {path.name}, which this call did not write", made)
        if not path.is_file():
            raise NoAudio(f"the callable returned a path where there is no file: {path}", made)
    try:
        # at once: the next call may write the same file
        take_read(read_audio(path, quote=path == data or _own(path, data.parent)), made)
    except AudioError as error:
        raise fault_of(error if path.stat().st_size else NoFrames(str(error)), made, path) from None


def _own(path: Path, folder: Path) -> bool:
    """Whether a file lies in the adapter's own folder, so that its bytes may be shown in a report."""
    return not path.is_symlink() and path.resolve().is_relative_to(folder.resolve())


def _take_array(answer: HostAnswer, data: Path, settings: PythonSettings, made: Synthesis) -> None:
    made.sample_rate = answer["rate"] or settings.sample_rate
    if not made.sample_rate:
        raise BadAudio("the callable returned samples without a rate: set sample_rate", made)
    made.samples = pcm_to_float(read_bytes_of_audio(data), "FLOAT", int(answer["channels"]))
    made.samples = np.ascontiguousarray(made.samples, dtype=np.float32)
    made.ttfa = answer.get("first")
    if len(made.samples) == 0:
        raise NoAudio("the callable returned samples of length 0", made)
