"""A worker on some node of the cluster, driven as one of this machine is."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING

from harness.backends.worker import BackendLoadFailed, Reply
from harness.core.records import Capabilities, Request, Variant
from harness.engine.cluster.actors import RemoteReply, StartedWorker, SynthesisActor
from harness.engine.cluster.nodes import living_nodes, node_contents, serves
from harness.engine.cores import synthesis_cores
from harness.engine.scoring.scoring_process import ONE_THREAD
from harness.engine.session import PATIENCE, BackendGone, WorkerLost

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

_SLICE = 1.0  # s between two looks at whether a node can still be had
_SAY = 30.0  # s after which a wait is told
_SPARE = 60.0  # s over the request's own limit after which a node that says nothing is given up
_STOP = 15.0  # s for the backend to end by itself


def session_need(variant: Variant) -> dict[str, float]:
    """Return what a session of this variant takes of a node, by Ray's names; CPU is always there."""
    return {**variant.resources, "CPU": synthesis_cores(variant)}


def actor_options(need: Mapping[str, float]) -> dict[str, object]:
    """Return Ray's options of an actor with these resources; it is never restarted by Ray, only by its session."""
    own = {name: amount for name, amount in need.items() if name not in ("CPU", "GPU")}
    return {
        "num_cpus": need.get("CPU", 0.0),
        "num_gpus": need.get("GPU", 0.0),
        "resources": own,
        "max_restarts": 0,
        "max_task_retries": 0,
        "scheduling_strategy": "SPREAD",
    }


def needed(need: Mapping[str, float]) -> str:
    """Say what a session takes, e.g. ``CPU 1, GPU 1``."""
    return ", ".join(f"{name} {amount:g}" for name, amount in sorted(need.items()) if amount) or "room"


class ActorShelf:
    """Keeps the actor of the last worker: the backend of the next one starts afresh in it, without a wait for Ray."""

    def __init__(self, ray: ModuleType) -> None:
        self._ray = ray
        self._kept: tuple[Variant, ActorHandle] | None = None

    def take(self, variant: Variant) -> ActorHandle | None:
        """Return the kept actor if it is of this very variant; else end it and return None."""
        kept, self._kept = self._kept, None
        if kept is not None and kept[0] == variant:
            return kept[1]
        if kept is not None:
            _end(self._ray, kept[1])
        return None

    def put(self, variant: Variant, actor: ActorHandle) -> None:
        """Keep an actor that is alive, in place of the one before."""
        self.clear()
        self._kept = (variant, actor)

    def clear(self) -> None:
        """End the kept actor and give its resources back."""
        kept, self._kept = self._kept, None
        if kept is not None:
            _end(self._ray, kept[1])


def _end(ray: ModuleType, actor: ActorHandle) -> None:
    with contextlib.suppress(Exception):  # it may be gone with its node
        ray.kill(actor)


class ClusterWorker:
    """One backend at a time on whatever node has room for it. Use it from one thread."""

    def __init__(
        self,
        ray: ModuleType,
        variant: Variant,
        say: Callable[[str], None],
        shelf: ActorShelf | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._ray = ray
        self._say = say
        self._shelf = shelf
        self._variant = variant
        self._patience = patience
        self._actor: ActorHandle | None = None
        self._alive = False
        self._node = ""

    @property
    def alive(self) -> bool:
        return self._alive

    def start(self) -> Capabilities:
        """Place the worker on a node, waiting for one that is busy, and load the backend.

        Raises BackendLoadFailed where it refuses, BackendGone once no living node could ever take it for ``patience``
        seconds. A node that is lost meanwhile is replaced by another.
        """
        self.stop()
        lost: BackendGone | None = None
        deadline = time.monotonic() + self._patience
        while lost is None or time.monotonic() < deadline:
            try:
                started = self._placed()
            except WorkerLost as error:  # Ray may still place actors on a node that it does not know to be gone
                lost = BackendGone(f"no node of the cluster keeps the worker: {error}")
                time.sleep(_SLICE)
                continue
            if started.capabilities is None:
                self._drop()
                raise BackendLoadFailed(started.refused)
            self._alive = True
            capabilities = started.capabilities
            return replace(capabilities, details={**capabilities.details, "node": self._node})
        raise lost

    def restart(self) -> Capabilities:
        """End the worker, if there is one, and start another. Raises as ``start``."""
        return self.start()

    def request(self, request: Request) -> Reply:
        """Have one text spoken. Raises WorkerLost where the node went away or says nothing any more."""
        limit = self._variant.request_timeout + self._variant.progress_timeout + _SPARE
        assert self._actor is not None  # start() has placed it
        answer = self._get(self._actor.request.remote(request), limit)
        assert isinstance(answer, RemoteReply)
        self._alive = answer.alive
        return answer.reply

    def stop(self) -> None:
        """End the backend and give its resources back, or its actor to the shelf."""
        if self._actor is not None:
            with contextlib.suppress(Exception):  # whatever keeps it from ending by itself, the last line ends it
                self._ray.get(self._actor.stop.remote(), timeout=_STOP)
                if self._shelf is not None:
                    self._shelf.put(self._variant, self._actor)
                    self._actor, self._alive = None, False
        self._drop()

    def _placed(self) -> StartedWorker:
        need = session_need(self._variant)
        self._actor = self._shelf.take(self._variant) if self._shelf is not None else None
        if self._actor is None:
            threads = {name: os.environ[name] for name in ONE_THREAD if name in os.environ}
            kind = self._ray.remote(SynthesisActor).options(**actor_options(need))
            self._actor = kind.remote(self._variant, node_contents((self._variant,)), threads)
        placed = self._actor.start.remote()
        homeless, waited = 0.0, 0.0
        while not self._ray.wait([placed], timeout=_SLICE)[0]:
            waited += _SLICE
            if waited == _SAY:
                self._say(
                    f"{self._variant.name}: waits for its backend to load, or for a node with {needed(need)} free"
                )
            fits = any(serves(need, node) for node in living_nodes(self._ray))
            homeless = 0.0 if fits else homeless + _SLICE
            if homeless >= self._patience:
                self._drop()
                raise BackendGone(f"no node of the cluster has {needed(need)} any more, for {self._patience:g} s")
        started = self._get(placed, _SPARE)
        assert isinstance(started, StartedWorker)
        self._node = started.node
        return started

    def _get(self, answer: ObjectRef, limit: float) -> object:
        from ray.exceptions import GetTimeoutError, RayError

        try:
            return self._ray.get(answer, timeout=limit)
        except GetTimeoutError:
            why = f"said nothing for {limit:g} s"
        except RayError as error:
            why = f"is gone ({type(error).__name__})"
        node = self._node or "a node"
        self._drop()
        raise WorkerLost(f"node {node} {why}")

    def _drop(self) -> None:
        actor, self._actor, self._alive = self._actor, None, False
        if actor is not None:
            _end(self._ray, actor)
