"""Living backends behind a server: a few workers, one request at a time each, dead ones replaced."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.backends.worker import Reply, Worker
from harness.core.records import Request, Variant


class Busy(Exception):
    """Too many requests are waiting."""


class WorkerPool:
    """``count`` workers of one variant. At most ``waiting`` requests wait for one; a further one raises Busy."""

    def __init__(
        self, variant: Variant, workdir: Path, count: int, waiting: int, worker: Callable[..., Worker] = Worker
    ) -> None:
        self._workers = [worker(variant, workdir) for _ in range(count)]
        self._free: queue.Queue[Worker] = queue.Queue()
        self._waiting = threading.BoundedSemaphore(count + waiting)
        self.sample_rate: int | None = None

    def start(self) -> None:
        """Load every worker. Raises BackendLoadFailed."""
        for worker in self._workers:
            self.sample_rate = worker.start().sample_rate
            self._free.put(worker)

    @contextmanager
    def one(self) -> Iterator[Callable[[Request], Reply]]:
        """Yield a worker to oneself for a whole answer. Raises Busy at once when too many wait."""
        if not self._waiting.acquire(blocking=False):
            raise Busy
        try:
            worker = self._free.get()
            try:
                yield lambda request: _living(worker).request(request)
            finally:
                self._free.put(worker)
        finally:
            self._waiting.release()

    def stop(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.stop()


def _living(worker: Worker) -> Worker:
    if not worker.alive:
        worker.restart()
    return worker
