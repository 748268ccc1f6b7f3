"""Speak all sessions of several variants at the same time, and score what is heard as it comes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from harness.core.errors import SoakError
from harness.core.records import Arm, Chunk
from harness.engine.clients import Client, ClientFailed, ClientLoad, Relay, StoredAttempt, speak_at_once
from harness.engine.executor import executor_of
from harness.engine.pace import Speed
from harness.engine.parts import SessionPart, session_parts
from harness.engine.session import BackendGone, PlannedRequest, Session
from harness.engine.soak import Soak
from harness.store import Run


@dataclass
class _Voice:
    """One variant among those that speak: how far it is, and the chunk before in each of its sessions."""

    soak: Soak
    total: int
    score: bool
    done: int = 0
    speed: Speed = field(default_factory=Speed)
    before: dict[int, tuple[int, Chunk]] = field(default_factory=dict)  # by session: epoch and chunk


def speak_together(soaks: Sequence[Soak], score: Callable[[Soak], bool] = lambda soak: True) -> dict[str, SoakError]:
    """Speak what is left of every session of these variants, each in a thread; returns who could not be loaded.

    Attempts are journalled by the calling thread, in the order of each session. Those of variants for which ``score``
    says so are scored and judged as they come; the others wait in the journal. A backend that stays away is journalled
    as such (``Soak.give_up``). Raises what else went wrong.
    """
    first = soaks[0]
    relay, voices, owner = Relay(), dict[str, _Voice](), dict[int, Soak]()
    clients: list[Client] = []
    for soak in soaks:
        scored = score(soak)
        own = [_client(soak, part, relay, scored) for part in session_parts(soak.plan, soak.variant)]
        voices[soak.variant.name] = _Voice(soak, sum(len(client.turns) for client in own), scored)
        owner |= {client.session.id: soak for client in own}
        clients += own
    failures: dict[str, SoakError] = {}
    began = time.monotonic()
    with contextlib.closing(speak_at_once(first.run, relay, clients, _load_noted(first))) as every:
        for item in every:
            if isinstance(item, ClientFailed):
                _failed(owner[item.client.session.id], item.error, failures)
            else:
                _spoken(voices[item.attempt.variant], item, began)
    for soak in soaks:
        if soak.variant.name in failures and soak.run.attempts(variant=soak.variant.name):
            soak.give_up(failures.pop(soak.variant.name))
    return failures


def _client(soak: Soak, part: SessionPart, relay: Relay, score: bool) -> Client:
    row, done, todo = soak.begin_part(part, score=score)
    worker = executor_of(soak.plan).worker(soak.variant, soak.workdir, soak.progress.say)
    plan = soak.plan
    told = soak.progress.say
    session = Session(cast("Run", relay), soak.variant, worker, row, patience=plan.patience, say=told)
    first = 1 + max((attempt.sequence for attempt in done), default=-1)
    return Client(session, [PlannedRequest(chunk) for chunk in todo], "resume" if done else "start", first)


def _spoken(voice: _Voice, item: StoredAttempt, began: float) -> None:
    attempt, soak = item.attempt, voice.soak
    if attempt.arm == Arm.SOAK:
        voice.done += 1
        voice.speed.add(attempt)
        epoch, chunk = voice.before.get(attempt.session, (-1, None))
        if voice.score:
            soak.submit(attempt, item.chunk, item.layout, chunk if epoch == attempt.epoch else None)
        voice.before[attempt.session] = (attempt.epoch, item.chunk)
    soak.assessor.collect()
    clients = soak.plan.clients
    stage = f"soak, {clients} clients" if clients > 1 else "soak"
    soak.tick(stage, voice.done, voice.total, began, voice.speed.value, item.chunk.id)


def _failed(soak: Soak, error: BaseException, failures: dict[str, SoakError]) -> None:
    if isinstance(error, BackendGone):
        if not soak.gone:
            soak.give_up(error)
    elif isinstance(error, SoakError):
        failures.setdefault(soak.variant.name, error)
    else:
        raise error


def _load_noted(soak: Soak) -> Callable[[ClientLoad], None]:
    """Journal what several clients of one server got together; sessions of a cluster share no server."""

    def note(loaded: ClientLoad) -> None:
        if soak.plan.clients > 1:
            figures = {"clients": loaded.clients, "requests": loaded.requests, "seconds": round(loaded.seconds, 3)}
            soak.run.record_event("clients", {"variant": soak.variant.name, **figures})

    return note
