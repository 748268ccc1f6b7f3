"""CPU time and memory of a process and everything below it. Seconds and bytes."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from harness.backends.guardian import descendants


def cpu_of(pids: Iterable[int]) -> float:
    """CPU seconds (user and system) that the processes ever used, with those of their ended children."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            total += sum(psutil.Process(pid).cpu_times()[:4])
    return total


def own_cpu() -> float:
    """CPU seconds of this process, its ended children and the living ones below it."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        total += used.ru_utime + used.ru_stime
    return total + cpu_of(descendants(os.getpid()))


def memory_of(pid: int) -> tuple[int, int] | None:
    """Return the resident bytes of one process, now and at most since the last :func:`forget_peak`.

    None once it has ended.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        try:
            now = int(psutil.Process(pid).memory_info().rss)
        except psutil.Error:
            return None
        return now, now
    sizes = {}
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            sizes[name] = int(value.split()[0]) * 1024
    return (sizes["VmRSS"], sizes["VmHWM"]) if len(sizes) == 2 else None


def forget_peak(pid: int) -> bool:
    """Set the high-water mark of a process back to what it holds now; False where the system does not allow it."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return False
    return True


@dataclass
class Meter:
    """Samples one worker's tree during a request."""

    pid: int
    rss: int | None = None
    peak: int | None = None
    cpu: float | None = None  # s since the start
    _start: float = field(default=0.0, repr=False)
    _marks: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        self._marks = forget_peak(self.pid)
        self._start = cpu_of([self.pid, *descendants(self.pid)])
        self.sample()

    def sample(self, cpu: bool = False) -> None:
        """Look once. A tree that has ended leaves the last figures as they are."""
        below = descendants(self.pid)
        own = memory_of(self.pid)
        if own is None:
            return
        others = [memory for memory in map(memory_of, below) if memory is not None]
        self.rss = own[0] + sum(now for now, _ in others)
        # a program that was there before keeps its old mark, so only its present size is known to belong here
        high = (own[1] if self._marks else own[0]) + sum(now for now, _ in others)
        self.peak = max(self.peak or 0, high)
        if cpu:
            self.cpu = max(0.0, cpu_of([self.pid, *below]) - self._start)
