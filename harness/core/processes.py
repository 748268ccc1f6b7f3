"""What the system says of processes. Standard library only, but where ``/proc`` lacks what is asked for."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Return the process ids below ``pid``, children before grandchildren, without ``pid`` itself."""
    if not _lists_children():
        return _from_psutil(pid)
    pids: list[int] = []
    waiting = [pid]
    while waiting:
        tasks = f"/proc/{waiting.pop()}/task"
        children: list[int] = []
        try:
            for task in os.listdir(tasks):  # noqa: PTH208 - a path object a process costs more than the look
                children += map(int, proc_bytes(f"{tasks}/{task}/children").split())
        except OSError:  # ended while we looked
            continue
        pids += children
        waiting += children
    return pids


@cache
def _lists_children() -> bool:
    """Whether /proc names children: it is Linux, and the kernel was built with it."""
    return Path("/proc/thread-self/children").exists()


def proc_bytes(path: str) -> bytes:
    """Return what the kernel says in a file of ``/proc``. Raises OSError where the process has ended."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - done several times a request
        return file.read()


def _from_psutil(pid: int) -> list[int]:
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
