"""Divergence of one model file after the other from a reference that is evaluated once, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TypedDict

from harness.core.errors import need_packages
from harness.core.paths import child_environment
from harness.experiments.divergence import Generation, NotMeasured, Slot
from harness.experiments.divergence.measure import save_ids

_SECONDS = 1800.0  # for one model


class _MeterAnswer(TypedDict, total=False):
    """One line of the process: how many steps it evaluates, then for each model its divergence or what is wrong."""

    steps: int
    nats: float | None
    error: str


class DivergenceMeter:
    """Mean teacher-forced KL(reference || model) per speech token, in nats; a context.

    Entering raises MissingExtra without llama-cpp-python, and NotMeasured where the reference cannot be evaluated.
    """

    def __init__(self, reference: Path, generations: Sequence[Generation], slots: Sequence[Slot]) -> None:
        self._reference = reference
        self._generations = [one for one in generations if one.prompt and one.generated]
        self._slots = [(slot.first, slot.count) for slot in slots if slot.speech]
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = contextlib.ExitStack()
        self._pending = b""
        self.steps = 0  # speech tokens

    def __enter__(self) -> DivergenceMeter:
        need_packages("llama-cpp-python (the extra 'divergence')", "llama_cpp")
        if not self._generations:
            raise NotMeasured("there is no generation with a prompt and generated ids to feed")
        folder = Path(self._folder.enter_context(tempfile.TemporaryDirectory(prefix="tts-soak-bisect-")))
        self._ids = folder / "ids.npz"
        save_ids(self._ids, self._generations, range(len(self._generations)))
        self._errors = folder / "stderr"
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._folder.close()

    def nats(self, model: Path) -> float:
        """Return the divergence; infinite where the model gives values that are not finite.

        Raises NotMeasured where the file cannot be loaded, or the process crashes or takes longer than 30 minutes.
        """
        if self._process is None:
            self._start()
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(f"{model}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._crashed(model.name) from None
        answer = self._answer(model.name)
        if "error" in answer:
            raise NotMeasured(f"{model.name}: {answer['error']}")
        return math.inf if answer["nats"] is None else answer["nats"]

    def _start(self) -> None:
        self._pending = b""
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "harness.causes.bisect.evaluator"),
                    *(str(self._reference), str(self._ids), json.dumps(self._slots)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=child_environment(OMP_NUM_THREADS="1"),
            )
        self.steps = self._answer(self._reference.name)["steps"]

    def _answer(self, name: str) -> _MeterAnswer:
        assert self._process is not None and self._process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                if not waiting.select(_SECONDS):
                    self._stop()
                    raise NotMeasured(f"{name}: the evaluation took longer than {_SECONDS:g} s")
                part = os.read(self._process.stdout.fileno(), 65536)
                if not part:
                    raise self._crashed(name)
                self._pending += part
        line, _, self._pending = self._pending.partition(b"\n")
        answer: _MeterAnswer = json.loads(line)
        return answer

    def _crashed(self, name: str) -> NotMeasured:
        assert self._process is not None
        code = self._process.wait()
        self._stop()
        lines = self._errors.read_text("utf-8", "replace").strip().splitlines()
        return NotMeasured(f"{name}: the evaluation ended with code {code}{f': {lines[-1]}' if lines else ''}")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
