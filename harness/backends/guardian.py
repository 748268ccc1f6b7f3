"""The small process between the harness and its worker, so that nothing of a worker's tree outlives it.

Run by path, standard library only: it forks the worker before anything heavy is loaded, adopts the orphans of the
worker's tree (Linux subreaper, so also daemons that called setsid stay findable), and kills the whole tree when the
worker ends or when the harness does, by whatever signal. Its own exit status then repeats the worker's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import shutil
import signal
import sys
import time
from pathlib import Path

from harness.core.paths import IMPORT_ROOT
from harness.core.processes import descendants

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def kill_below(pid: int, patience: float = 3.0) -> None:
    """Kill every process below ``pid``, again until none is left: a tree may fork while it is being killed."""
    own = pid == os.getpid()
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if own:
            _reap()  # the dead too: the init process of a container often collects none
        left = [child for child in descendants(pid) if own or not _is_zombie(child)]
        if not left:
            return
        for child in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return False


def _reap() -> dict[int, int]:
    """Collect ended children; returns pid -> wait status."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def die_with_parent(parent: int) -> None:
    """Be killed when the thread that started this process ends, by whatever signal (Linux); at once if it has."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _watch(worker: int, lifeline: int) -> int | None:
    """Wait for the worker's end (returns its wait status) or the harness's (returns None)."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ended = _reap()
        if worker in ended:
            return ended[worker]
        ready, _, _ = select.select([woken, lifeline], [], [])
        if lifeline in ready:
            return None
        os.read(woken, 4096)


def _end_as(status: int | None) -> None:
    """End the way the worker did."""
    if status is not None and os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status) if status is not None else 1)


def supervise(argv: list[str]) -> None:
    """Guard the process. Arguments: descriptors of the lifeline, the requests and the replies; the temporary folder."""
    lifeline, requests, replies = map(int, argv[:3])
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    guardian = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.close(lifeline)
        os.setpgid(0, 0)
        die_with_parent(guardian)
        _work(requests, replies)
    os.close(requests)
    os.close(replies)
    status = _watch(worker, lifeline)
    kill_below(guardian)
    if status is None:  # a harness that was killed cannot tidy up
        shutil.rmtree(argv[3], ignore_errors=True)
    _end_as(status)


def _work(requests: int, replies: int) -> None:
    root = str(IMPORT_ROOT)
    if root not in sys.path:
        sys.path.insert(0, root)
    from harness.backends.child import answer_requests

    answer_requests(requests, replies)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    supervise(sys.argv[1:])
