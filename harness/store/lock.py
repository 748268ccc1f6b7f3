"""One writer a run: an advisory lock that the system drops when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import weakref
from pathlib import Path

from harness.core.durable import write_all
from harness.core.errors import StoreError

_open_locks: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """Holds ``<run>/lock`` (flock) and writes the own process id into it."""

    def __init__(self, run: Path, descriptor: int) -> None:
        self.run = run
        self._descriptor: int | None = descriptor
        _open_locks.add(self)

    @classmethod
    def take(cls, run: Path, patience: float = 0.5) -> Lock:
        """Take the lock. Raises StoreError naming the process that holds the run. ``patience`` (s) outlasts a
        reader's probe.
        """
        path = run / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written ({error.strerror})") from error
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    os.close(descriptor)
                    raise StoreError(f"{run}: {_holder(path)} is writing this run; wait for it or stop it") from None
                time.sleep(0.02)
        try:
            os.ftruncate(descriptor, 0)
            write_all(descriptor, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.close(descriptor)
            raise StoreError(f"{path}: cannot be written ({error.strerror})") from error
        return cls(run, descriptor)

    def release(self) -> None:
        """Give the lock up; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        text = path.read_text().strip()
    except OSError:
        text = ""
    return f"process {text}" if text else "another process"


def held(run: Path) -> bool:
    """Return whether a living process writes the run. Changes nothing."""
    try:
        descriptor = os.open(run / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _drop_in_child() -> None:
    # A forked worker that outlives a killed runner must not keep the run locked.
    for lock in list(_open_locks):
        with contextlib.suppress(OSError):
            lock.release()


os.register_at_fork(after_in_child=_drop_in_child)
