"""Attempts that wait to be scored: the longest first, and only so many hands at a time."""

from __future__ import annotations

import heapq
import threading

from harness.engine.scoring.job import ScoreJob

LIMIT = 256  # jobs that wait; beyond it whoever speaks waits too, so that a slow recognizer piles nothing up


class JobQueue:
    """Jobs for several takers. Longest audio first, so that no long one is left for the end; else first come first.

    ``hands``: how many takers are served; those with a higher number wait until there are more. ``in_order``: first
    come, first served, for whoever stops at the first verdicts.
    """

    def __init__(self, hands: int, *, in_order: bool = False, limit: int = LIMIT) -> None:
        self._waiting: list[tuple[float, int, ScoreJob]] = []
        self._hands, self._in_order, self._limit = hands, in_order, limit
        self._count, self._closed = 0, False
        self._changed = threading.Condition()

    def put(self, job: ScoreJob) -> None:
        """Queue a job; blocks while ``limit`` jobs wait."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._limit)
            self._push(job)

    def put_back(self, job: ScoreJob) -> None:
        """Queue a job again that its taker could not do; never blocks."""
        with self._changed:
            self._push(job)

    def take(self, number: int) -> ScoreJob | None:
        """Wait for a job for taker ``number`` (from 0); None once the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: (self._waiting and number < self._hands) or self._closed)
            if not self._waiting:
                return None
            job = heapq.heappop(self._waiting)[2]
            self._changed.notify_all()
            return job

    def serve(self, hands: int) -> None:
        """Serve so many takers from now on; who is at a job finishes it."""
        with self._changed:
            if hands != self._hands:
                self._hands = hands
                self._changed.notify_all()

    def close(self, *, drop: bool = False) -> None:
        """Let takers end once nothing waits; ``drop`` forgets what does."""
        with self._changed:
            self._closed = True
            if drop:
                self._waiting.clear()
            self._changed.notify_all()

    def _push(self, job: ScoreJob) -> None:
        if self._closed:
            return
        length = 0.0 if self._in_order else -(job.attempt.duration or 0.0)
        heapq.heappush(self._waiting, (length, self._count, job))
        self._count += 1
        self._changed.notify_all()
