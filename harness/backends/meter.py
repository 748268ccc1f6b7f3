"""CPU time and memory of a process and everything below it. Seconds and bytes."""

from __future__ import annotations

import contextlib
import os
import re
import resource
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from harness.core.processes import descendants, proc_bytes

_SIZES = re.compile(rb"^(VmRSS|VmHWM):\s*(\d+)", re.M)
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pids: Iterable[int]) -> float:
    """Return the CPU seconds (user and system) that the processes ever used, with those of their ended children."""
    total = 0.0
    for pid in pids:
        try:
            stat = proc_bytes(f"/proc/{pid}/stat")
        except OSError:
            with contextlib.suppress(psutil.Error):
                total += sum(psutil.Process(pid).cpu_times()[:4])
        else:  # the name may hold blanks and brackets; utime, stime, cutime and cstime are the 12th to 15th behind it
            total += sum(map(int, stat.rpartition(b")")[2].split()[11:15])) / _TICKS
    return total


def own_cpu() -> float:
    """Return the CPU seconds of this process, its ended children and the living ones below it."""
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
        status = proc_bytes(f"/proc/{pid}/status")
    except OSError:
        try:
            now = int(psutil.Process(pid).memory_info().rss)
        except psutil.Error:
            return None
        return now, now
    sizes = dict(_SIZES.findall(status))
    return (int(sizes[b"VmRSS"]) * 1024, int(sizes[b"VmHWM"]) * 1024) if len(sizes) == 2 else None


def forget_peak(pid: int) -> bool:
    """Set the high-water mark of a process back to what it holds now; False where the system does not allow it."""
    try:
        with Path(f"/proc/{pid}/clear_refs").open("wb", buffering=0) as file:
            file.write(b"5")
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
