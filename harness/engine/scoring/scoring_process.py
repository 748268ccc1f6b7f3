"""One scoring process and the thread that feeds it.

A scorer that crashes or hangs costs the observations of one attempt, stated as errors, never the run: its process is
replaced and the next attempt goes on.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from harness.core.paths import IMPORT_ROOT
from harness.core.records import Measurement, Status
from harness.engine.scoring.job import ScoreJob, ScoreResult

ROOMS = ("analysis", "recognizer")
_STARTUP_SECONDS = 300.0  # first job also loads the models
_FIXED_SECONDS = 120.0
_SECONDS_PER_AUDIO_SECOND = 20.0


class ScoringProcess:
    """One scoring process and the thread that feeds it.

    Args:
        name: one of :data:`ROOMS`.
        scorers: names and keyword options of the scorers that this room runs.
        deliver: called from the room's thread with each result.
        log: file that takes whatever the scorers' libraries print.
    """

    def __init__(
        self, name: str, scorers: Mapping[str, Mapping[str, Any]], deliver: Callable[[ScoreResult], None], log: Path
    ) -> None:
        self.name = name
        self._scorers = {scorer: dict(options) for scorer, options in scorers.items()}
        self._deliver = deliver
        self._log = log
        self._jobs: queue.Queue[ScoreJob | None] = queue.Queue(maxsize=256)
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._fresh = True
        self._thread = threading.Thread(target=self._feed, name=f"scoring-{name}", daemon=True)
        self._thread.start()

    def submit(self, job: ScoreJob) -> None:
        """Queue a job; blocks while 256 attempts wait, so a slow recognizer slows the session instead of piling up."""
        self._jobs.put(job)

    def close(self) -> None:
        """Let queued jobs finish, then end the process."""
        self._jobs.put(None)
        self._thread.join()

    def kill(self) -> None:
        """End at once; queued jobs are dropped (an interrupted run scores them when it is resumed)."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        self._stop_process()
        self._jobs.put(None)

    def _feed(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._deliver(self._score(job))
        self._stop_process()

    def _score(self, job: ScoreJob) -> ScoreResult:
        attempt_id = job.attempt.id if job.attempt.id is not None else -1
        limit = _FIXED_SECONDS + _SECONDS_PER_AUDIO_SECOND * (job.attempt.duration or 0.0)
        try:
            pipe = self._ensure_process()
            pipe.send(job)
            if not pipe.poll(limit + (_STARTUP_SECONDS if self._fresh else 0.0)):
                raise TimeoutError(f"no answer within {limit:.0f} s")
            self._fresh = False
            observations, cpu = pipe.recv()
            return ScoreResult(self.name, attempt_id, tuple(observations), cpu)
        except (EOFError, OSError, TimeoutError) as error:
            code = self._stop_process()
            why = str(error) if isinstance(error, TimeoutError) else f"the scoring process died (exit {code})"
            return ScoreResult(self.name, attempt_id, self._failed(job, why))
        except Exception as error:  # an answer that cannot be unpickled: the thread must live, or the run would wait
            self._stop_process()
            why = f"the scoring process answered what cannot be read ({type(error).__name__})"
            return ScoreResult(self.name, attempt_id, self._failed(job, why))

    def _failed(self, job: ScoreJob, why: str) -> tuple[Measurement, ...]:
        names = job.scorers if job.scorers is not None else tuple(self._scorers)
        mine = [name for name in names if name in self._scorers]
        return tuple(Measurement(name, "", Status.ERROR, {}, why) for name in mine)

    def _ensure_process(self) -> Connection:
        if self._process is not None and self._process.poll() is None and self._pipe is not None:
            return self._pipe
        host, child = Pipe()
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
        )
        root = str(IMPORT_ROOT)
        path = os.pathsep.join(entry for entry in (root, os.environ.get("PYTHONPATH", "")) if entry)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.engine.scoring.process", str(child.fileno()), str(os.getpid())],
                pass_fds=[child.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **threads, "PYTHONPATH": path},
                start_new_session=True,
            )
        child.close()
        host.send(self._scorers)
        self._pipe, self._fresh = host, True
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
