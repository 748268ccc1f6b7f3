"""One scoring process on this machine, replaced when it dies or hangs.

A scorer that crashes or hangs costs the observations of one room in one attempt, stated as errors, never the run.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from harness.core.paths import child_environment
from harness.core.records import ScorerOptions
from harness.engine.scoring.job import ScoreJob, ScoreResult

STARTUP_SECONDS = 300.0  # first job of a room also loads the models
_FIXED_SECONDS = 120.0
_SECONDS_PER_AUDIO_SECOND = 20.0
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""Environment of a process that is to take one core."""


class ScoringProcess:
    """One process; started with the first job. Use it from one thread, ``stop`` apart.

    Args:
        scorers: names and keyword options of all scorers; models are loaded when a job first asks for them.
        log: file that takes whatever the scorers' libraries print.
    """

    def __init__(self, scorers: Mapping[str, ScorerOptions], log: Path) -> None:
        self._scorers = {scorer: dict(options) for scorer, options in scorers.items()}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._warm: set[str] = set()  # rooms whose models are loaded

    def warm(self) -> None:
        """Start the process, which loads the scorers' models before a job asks for them."""
        with contextlib.suppress(OSError):  # said of the first job
            self._ensure_process()

    def score(self, job: ScoreJob, deliver: Callable[[ScoreResult], None]) -> ScoreJob | None:
        """Have a job done room by room, and deliver what each saw, or errors for all its scorers.

        Returns what the rooms behind one that killed the process are left with: a new one is started for them.
        """
        rooms = list(job.rooms)
        for number, room in enumerate(rooms):
            try:
                if number == 0:
                    self._ensure_process().send(job)
                deliver(self._result(job, room))
            except Exception as error:  # whatever it is, the thread must live, or the run would wait
                deliver(job.failed(room, _why(error, self._stop_process())))
                return job.without(*rooms[: number + 1])
        return None

    def _result(self, job: ScoreJob, room: str) -> ScoreResult:
        """Wait for what a room saw. Raises TimeoutError, EOFError or OSError."""
        limit, pipe = time_limit(job), self._pipe
        if pipe is None:
            raise EOFError
        if not pipe.poll(limit + (0.0 if room in self._warm else STARTUP_SECONDS)):
            raise TimeoutError(f"no answer within {limit:.0f} s")
        self._warm.add(room)
        observations, cpu = pipe.recv()
        return ScoreResult(room, job.attempt_id, tuple(observations), cpu)

    def stop(self) -> None:
        """End the process at once."""
        self._stop_process()

    def _ensure_process(self) -> Connection:
        if self._process is not None and self._process.poll() is None and self._pipe is not None:
            return self._pipe
        host, child = Pipe()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.engine.scoring.process", str(child.fileno()), str(os.getpid())],
                pass_fds=[child.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=child_environment(**ONE_THREAD),
                start_new_session=True,
            )
        child.close()
        host.send(self._scorers)
        self._pipe, self._warm = host, set()
        return host

    def _stop_process(self) -> int | None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                self._pipe.close()
        process, self._process, self._pipe = self._process, None, None
        if process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=0.2)
        process.kill()
        return process.wait()


def _why(error: Exception, code: int | None) -> str:
    """Return what came instead of an answer; ``code``: how the process ended."""
    if isinstance(error, TimeoutError):
        return str(error)
    if isinstance(error, EOFError | OSError):
        return died(code)
    return f"the scoring process answered what cannot be read ({type(error).__name__})"


def time_limit(job: ScoreJob) -> float:
    """Return how long a room may take over a job (s), models loaded."""
    return _FIXED_SECONDS + _SECONDS_PER_AUDIO_SECOND * (job.attempt.duration or 0.0)


def died(code: int | None) -> str:
    """Say that a scoring process died."""
    return f"the scoring process died (exit {code})"
