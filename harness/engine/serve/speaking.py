"""A worker speaks ahead of a client: it is given back when it has spoken, however slowly the client reads.

A thread holds the worker and fills a short shelf of pieces. A client that takes nothing for a while loses its place.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

from harness.backends.worker import Reply
from harness.core.records import Request, Samples
from harness.engine.serve.voices import WorkerPool

SHELF = 64  # pieces spoken ahead: some minutes of speech, some 20 MB
PATIENCE = 15.0  # s that a full shelf waits for its client before the worker is given to the next

Piece = tuple[Samples, int]


class Speaking:
    """Pieces of speech as they come. Iterating raises whatever the speaker raised."""

    def __init__(self, voices: WorkerPool, spoken: Callable[[Callable[[Request], Reply]], Iterator[Piece]]) -> None:
        self._voices, self._spoken = voices, spoken
        self._shelf: queue.Queue[Piece | BaseException | None] = queue.Queue(SHELF)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._speak, name="speaking", daemon=True)

    def __enter__(self) -> Iterator[Piece]:
        self._thread.start()
        return self._pieces()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()

    def _pieces(self) -> Iterator[Piece]:
        while (piece := self._next()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    def _next(self) -> Piece | BaseException | None:
        while True:
            try:
                return self._shelf.get(timeout=0.5)
            except queue.Empty:
                if not self._thread.is_alive() and self._shelf.empty():
                    raise ConnectionAbortedError("the client took nothing for too long") from None

    def _speak(self) -> None:
        last: BaseException | None = None
        try:
            with self._voices.one() as speak:
                for piece in self._spoken(speak):
                    if not self._put(piece):
                        return
        except Exception as error:  # told to the client by the thread that answers it
            last = error
        self._put(last)

    def _put(self, piece: Piece | BaseException | None) -> bool:
        """Return False when the client has gone or takes nothing."""
        waited = 0.0
        while not self._left.is_set() and waited < PATIENCE:
            try:
                self._shelf.put(piece, timeout=0.25)
            except queue.Full:
                waited += 0.25
            else:
                return True
        return False
