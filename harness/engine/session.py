"""Drive one living backend through chunks in order, and journal every attempt before anybody judges it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from harness.backends.protocol import capabilities_to_json
from harness.core.errors import CannotStore, SoakError
from harness.core.records import (
    Arm,
    Attempt,
    Capabilities,
    Chunk,
    Computes,
    Outcome,
    Request,
    TokenLayout,
    Tokens,
    Variant,
    seed_for,
)

if TYPE_CHECKING:
    from harness.backends.worker import Reply
    from harness.store import Run


PATIENCE = 60.0  # s to wait for a backend that is away
_LOOK = (0.2, 2.0)  # s between two tries, growing from the first to the second
_LOSSES = 3  # machines that one chunk may take with it before it is left unspoken


class BackendGone(SoakError):
    """A backend was away for longer than the run waits. What was not spoken is not judged."""


class WorkerLost(SoakError):
    """The machine on which the worker lived is gone, and with it the answer to the request in flight."""


class WorkerLike(Protocol):
    """The part of :class:`harness.backends.worker.Worker` that a session needs."""

    @property
    def alive(self) -> bool: ...

    def start(self) -> Capabilities: ...

    def request(self, request: Request) -> Reply:
        """Have one text spoken. Raises WorkerLost where the machine went away meanwhile."""
        ...

    def restart(self) -> Capabilities: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class PlannedRequest:
    """One request to be made: which chunk, which take of it, and settings for this request alone."""

    chunk: Chunk
    take: int = 0
    seed: int | None = None  # None: by the variant's seed policy
    overrides: Mapping[str, object] | None = None
    arm: str | None = None  # None: the session's
    tokens: Tokens | None = field(default=None, compare=False)  # to be decoded by the vocoder alone


class Session:
    """Consecutive requests to one worker, in order.

    A dead worker is restarted before the next request, and the restart is journalled as a new epoch, because it
    clears whatever state had built up. Failed requests are results. With ``variant.retries`` each failure is tried
    again as an attempt of its own (arm ``retry``); the first attempt stays the one that is judged.

    A backend that is away (no server answers, no program starts) was asked nothing: no attempt is journalled. It is
    waited for up to ``patience`` seconds; ``say`` tells who watches.

    Where the machine is lost that a request was at, the attempt is journalled as lost (arm ``lost``) and the chunk is
    asked again of a new worker.
    """

    def __init__(
        self,
        run: Run,
        variant: Variant,
        worker: WorkerLike,
        session: int,
        arm: str = Arm.SOAK,
        *,
        patience: float = PATIENCE,
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.variant = variant
        self.id = session
        self.arm = arm
        self.capabilities = Capabilities()
        self._run = run
        self._worker = worker
        self._sequence = 0
        self._epoch = 0
        self._since_load = 0
        self._patience = patience
        self._say = say

    @property
    def layout(self) -> TokenLayout | None:
        """Return the geometry of the backend's tokens, known once the worker has loaded."""
        return self.capabilities.layout

    def open(self, reason: str = "start", sequence: int = 0) -> None:
        """Load the backend and journal the first epoch. Raises SoakError when it cannot be loaded at all."""
        self.capabilities = self._worker.start()
        self._sequence = sequence
        self._begin_epoch(reason)

    def speak(self, turns: Iterable[PlannedRequest]) -> Iterator[Attempt]:
        """Make the requests one after the other; yields each attempt once it is durably journalled.

        Raises BackendGone for a backend that stays away.
        """
        for turn in turns:
            self._ready()
            first = self._attempt(turn, turn.arm or self.arm, turn.take)
            yield first
            for retry in range(1, self.variant.retries + 1):
                if first.outcome is Outcome.OK:
                    break
                self._ready()
                again = self._attempt(turn, Arm.RETRY, turn.take * 1000 + retry)
                yield again
                if again.outcome is Outcome.OK:
                    break

    def close(self) -> None:
        """End the worker."""
        self._worker.stop()

    def _ready(self, why: str = "restart after failure") -> None:
        if not self._worker.alive:
            self.capabilities = self._worker.restart()
            self._begin_epoch(why)
        elif self.variant.reload_every and self._since_load >= self.variant.reload_every:
            self.capabilities = self._worker.restart()
            self._begin_epoch("reload")

    def _begin_epoch(self, reason: str) -> None:
        self._epoch = self._run.begin_epoch(self.id, reason, capabilities_to_json(self.capabilities))
        self._since_load = 0

    def _attempt(self, turn: PlannedRequest, arm: str, take: int) -> Attempt:
        seed = turn.seed if turn.seed is not None else seed_for(self.variant, turn.chunk.id, turn.take)
        chunk, overrides = turn.chunk, dict(turn.overrides or {})
        request = Request(
            chunk.id, chunk.text, seed, self.variant.voice, chunk.language, overrides, turn.tokens, chunk.expected
        )
        reply = self._ask_until_kept(turn, request)
        attempt = self._attempt_of(reply, turn, arm, take, seed)
        self._sequence += 1
        self._since_load += 1
        try:
            return self._run.record_attempt(attempt, reply.samples)
        except CannotStore as error:  # what a backend says must never end the run: that it cannot be kept is the result
            return self._run.record_attempt(_without_answer(attempt, str(error)), None)

    def _attempt_of(self, reply: Reply, turn: PlannedRequest, arm: str, take: int, seed: int | None) -> Attempt:
        computes = self.capabilities.computes
        own = computes is Computes.HERE  # else the worker is a client, and its CPU seconds and memory are nobody's
        return Attempt(
            session=self.id,
            epoch=self._epoch,
            sequence=self._sequence,
            chunk_id=turn.chunk.id,
            variant=self.variant.name,
            arm=str(arm),
            take=take,
            seed=seed,
            outcome=reply.outcome,
            detail=reply.detail,
            sample_rate=reply.sample_rate,
            duration=_duration(reply),
            tokens=reply.tokens,
            token_count=reply.token_count,
            finish_reason=reply.finish_reason,
            wall_seconds=reply.wall_seconds if computes is not Computes.NOWHERE else None,
            cpu_seconds=reply.cpu_seconds if own else None,
            ttfa=reply.ttfa,
            rss_bytes=reply.rss_bytes if own else None,
            peak_rss_bytes=reply.peak_rss_bytes if own else None,
            stderr_tail=reply.stderr_tail if reply.outcome is not Outcome.OK else "",
            notes={**reply.notes, **({"stages": dict(reply.stage_seconds)} if reply.stage_seconds else {})},
            asked_utc=f"{datetime.now(UTC) - timedelta(seconds=reply.wall_seconds):%Y-%m-%dT%H:%M:%S.%fZ}",
        )

    def _ask_until_kept(self, turn: PlannedRequest, request: Request) -> Reply:
        """Return the reply of a worker whose machine stayed. Raises BackendGone once several machines were lost."""
        for _ in range(_LOSSES):
            try:
                return self._ask(request)
            except WorkerLost as loss:
                self._record_loss(turn, request.seed, loss)
                self._say(f"{self.variant.name}: {loss}; chunk {request.chunk_id} is spoken again on another node")
                self._ready("its node was lost")
        raise BackendGone(f"{_LOSSES} nodes in a row were lost while they spoke chunk {request.chunk_id!r}")

    def _record_loss(self, turn: PlannedRequest, seed: int | None, loss: WorkerLost) -> None:
        self._run.record_attempt(
            Attempt(
                session=self.id,
                epoch=self._epoch,
                sequence=self._sequence,
                chunk_id=turn.chunk.id,
                variant=self.variant.name,
                arm=Arm.LOST,
                take=self._sequence,  # a chunk may be lost more than once
                seed=seed,
                outcome=Outcome.LOST,
                detail=str(loss),
            ),
            None,
        )
        self._sequence += 1

    def _ask(self, request: Request) -> Reply:
        """Return the reply of a backend that is there. Raises BackendGone once patience is spent, at once where it
        is vain.
        """
        began, pause = time.monotonic(), _LOOK[0]
        reply = self._worker.request(request)
        while reply.outcome is Outcome.AWAY:
            left = began + self._patience - time.monotonic()
            if reply.noted.get("lasting") or left <= 0:
                waited = "" if reply.noted.get("lasting") else f" for {self._patience:g} s"
                raise BackendGone(f"backend away{waited}: {reply.detail}")
            if pause == _LOOK[0]:
                self._say(f"{self.variant.name}: backend away ({reply.detail}); waiting up to {self._patience:g} s")
            time.sleep(min(pause, left))
            pause = min(pause * 2, _LOOK[1])
            self._ready()
            reply = self._worker.request(request)
            if reply.outcome is not Outcome.AWAY:  # whatever state it had is lost
                self._begin_epoch("back after it was away")
                self._say(f"{self.variant.name}: back after {time.monotonic() - began:.1f} s")
        return reply


def _without_answer(attempt: Attempt, reason: str) -> Attempt:
    """Return the attempt as an error, with nothing in it that the backend gave."""
    return Attempt(
        session=attempt.session,
        epoch=attempt.epoch,
        sequence=attempt.sequence,
        chunk_id=attempt.chunk_id,
        variant=attempt.variant,
        arm=attempt.arm,
        take=attempt.take,
        seed=attempt.seed,
        outcome=Outcome.ERROR,
        detail=f"the answer cannot be recorded: {reason}"[:500],
    )


def _duration(reply: Reply) -> float | None:
    if reply.samples is None or not reply.sample_rate:
        return None
    return len(reply.samples) / reply.sample_rate
