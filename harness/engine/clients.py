"""Several sessions at once: clients of one server, or workers on the nodes of a cluster, each with chunks of its own.

The journal has one writer. Clients live in threads; what they want written travels to the thread that owns the journal
and is done there, in the order in which it came.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import cast

from harness.core.records import Attempt, Chunk, TokenLayout
from harness.engine.pace import patiently
from harness.engine.session import BackendGone, PlannedRequest, Session
from harness.store import Run

_JOIN = 10.0  # s for clients to end


@dataclass(frozen=True)
class Client:
    """One session and what it is to say. ``reason``, ``sequence``: as of ``harness.engine.session.Session.open``."""

    session: Session
    turns: Sequence[PlannedRequest]
    reason: str = "start"
    sequence: int = 0


@dataclass(frozen=True)
class StoredAttempt:
    """One attempt, once it is in the journal."""

    attempt: Attempt
    chunk: Chunk
    layout: TokenLayout | None


@dataclass(frozen=True)
class ClientFailed:
    """Why a client ends before all is said: BackendGone, a backend that cannot be loaded, or a fault of the harness."""

    client: Client
    error: BaseException


@dataclass(frozen=True)
class _Call:
    name: str
    arguments: tuple[object, ...]
    answer: Future[object]


@dataclass
class Relay:
    """Stands for the run in the clients' threads. Raises BackendGone in them once the run goes on without them."""

    queue: queue.SimpleQueue[_Call | StoredAttempt | ClientFailed | None] = field(default_factory=queue.SimpleQueue)
    over: threading.Event = field(default_factory=threading.Event)

    def begin_epoch(self, *arguments: object) -> int:
        """Begin a worker run, in the thread of the run."""
        return cast("int", self._carried("begin_epoch", arguments))

    def record_attempt(self, *arguments: object) -> Attempt:
        """Record an attempt, in the thread of the run."""
        return cast("Attempt", self._carried("record_attempt", arguments))

    def record_event(self, *arguments: object) -> None:
        """Record an event, in the thread of the run."""
        self._carried("record_event", arguments)

    def _carried(self, name: str, arguments: tuple[object, ...]) -> object:
        if self.over.is_set():
            raise BackendGone("the run ended")
        call = _Call(name, arguments, Future())
        self.queue.put(call)
        return call.answer.result()


@dataclass(frozen=True)
class ClientLoad:
    """How long the clients were at it: seconds from the first request to the last answer."""

    clients: int
    requests: int
    seconds: float


def speak_at_once(
    run: Run, relay: Relay, clients: Sequence[Client], done: Callable[[ClientLoad], None]
) -> Generator[StoredAttempt | ClientFailed]:
    """Speak all turns, every client in a thread of its own; yields attempts as they are journalled, and who gave up.

    ``done`` is told how long they were at it, unless the generator is closed before its end.
    """
    threads = [threading.Thread(target=_client, args=(relay, client), daemon=True) for client in clients]
    spoken, left = 0, len(threads)
    first, last = float("inf"), 0.0
    for thread in threads:
        thread.start()
    try:
        while left:
            item = relay.queue.get()
            if item is None:
                left -= 1
            elif isinstance(item, _Call):
                _answer(run, item)
            else:
                if isinstance(item, StoredAttempt):
                    last = time.monotonic()
                    first = min(first, last - (item.attempt.wall_seconds or 0.0))
                    spoken += 1
                yield item
    finally:
        relay.over.set()
        while not relay.queue.empty():
            item = relay.queue.get()
            if isinstance(item, _Call):
                item.answer.set_exception(BackendGone("the run ended"))
        for client in clients:
            client.session.close()
        for thread in threads:
            thread.join(_JOIN)
    if spoken:
        done(ClientLoad(len(clients), spoken, last - first))


def _answer(run: Run, call: _Call) -> None:
    try:
        call.answer.set_result(getattr(run, call.name)(*call.arguments))
    except BaseException as error:
        call.answer.set_exception(error)


def _client(relay: Relay, client: Client) -> None:
    try:
        if client.turns:
            client.session.open(client.reason, client.sequence)
        give_up = lambda error: relay.queue.put(ClientFailed(client, error))  # noqa: E731
        for turn, speak in patiently(client.session, list(client.turns), give_up):
            for attempt in speak(turn):
                relay.queue.put(StoredAttempt(attempt, turn.chunk, client.session.layout))
            if relay.over.is_set():
                break
    except BaseException as error:
        relay.queue.put(ClientFailed(client, error))
    finally:
        client.session.close()
        relay.queue.put(None)
