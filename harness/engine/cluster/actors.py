"""What runs on the nodes: a worker with its backend, and scorers with their models."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.records import ScorerOptions

if TYPE_CHECKING:
    from harness.backends.worker import Reply, Worker
    from harness.core.records import Capabilities, Measurement, Request, Variant
    from harness.engine.cluster.nodes import NodeContents
    from harness.engine.scoring.job import ScoreJob
    from harness.engine.scoring.process import OpenClip, ScorerSet


@dataclass(frozen=True)
class StartedWorker:
    """What came of starting a backend on a node: its capabilities, or in one line why there are none."""

    node: str  # host, and the head of the node's id
    capabilities: Capabilities | None
    refused: str = ""


@dataclass(frozen=True)
class RemoteReply:
    """A reply, and whether the backend is still alive after it."""

    reply: Reply
    alive: bool


class SynthesisActor:
    """A worker on this node. ``threads``: the thread variables of the driver, which Ray would set otherwise."""

    def __init__(self, variant: Variant, expected: NodeContents, threads: Mapping[str, str]) -> None:
        os.environ.pop("OMP_NUM_THREADS", None)
        os.environ.update(threads)
        self._variant, self._expected = variant, expected
        self._folder = tempfile.TemporaryDirectory(prefix="tts-soak-")
        self._worker: Worker | None = None

    def start(self) -> StartedWorker:
        """Check that this node holds what the driver does, and load the backend."""
        from harness.backends.worker import BackendLoadFailed, Worker
        from harness.engine.cluster.nodes import node_contents

        node = _this_node()
        wrong = self._expected.differences(node_contents((self._variant,)))
        if wrong:
            return StartedWorker(node, None, f"node {node} {'; '.join(wrong)}")
        self.stop()
        self._worker = Worker(self._variant, Path(self._folder.name))
        try:
            return StartedWorker(node, self._worker.start())
        except BackendLoadFailed as error:
            return StartedWorker(node, None, str(error))

    def request(self, request: Request) -> RemoteReply:
        """Have one text spoken."""
        assert self._worker is not None
        return RemoteReply(self._worker.request(request), self._worker.alive)

    def stop(self) -> None:
        """End the backend, if there is one."""
        if self._worker is not None:
            self._worker.stop()


def _this_node() -> str:
    import ray

    return f"{socket.gethostname()} ({ray.get_runtime_context().get_node_id()[:8]})"


class ScoringActor:
    """Scorers on this node, one thread."""

    def __init__(self, scorers: Mapping[str, ScorerOptions]) -> None:
        from harness.engine.scoring.scoring_process import ONE_THREAD

        os.environ.update(ONE_THREAD)  # before anything that reads them is imported
        self._options = scorers
        self._scorers: ScorerSet | None = None
        self._opened: OpenClip | None = None

    def ready(self) -> bool:
        """Answer that this actor has been placed."""
        return True

    def score(self, job: ScoreJob, room: str, audio: bytes | None, *, opens: bool) -> tuple[list[Measurement], float]:
        """Run one room's scorers; returns what they saw and the CPU seconds it took.

        ``opens``: ``audio`` holds the bytes of the job's file, if it has one; else the clip opened last is looked at.
        """
        from harness.engine.scoring.process import ScorerSet

        began = time.process_time()
        if self._scorers is None:
            self._scorers = ScorerSet(self._options)
        if opens:
            self._opened = self._clip(self._scorers, job, audio)
        assert self._opened is not None  # the first call of a job opens its clip
        return self._scorers.measured(job, room, self._opened), time.process_time() - began

    def _clip(self, scorers: ScorerSet, job: ScoreJob, audio: bytes | None) -> OpenClip:
        if audio is None or job.audio is None:
            return scorers.opened(job, None)
        with tempfile.NamedTemporaryFile(suffix=job.audio.suffix) as copy:
            copy.write(audio)
            copy.flush()
            return scorers.opened(job, Path(copy.name))
