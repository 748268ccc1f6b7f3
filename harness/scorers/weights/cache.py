"""Folders in the project's cache on this machine that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from harness.core.durable import sync_directory
from harness.core.errors import ConfigError
from harness.core.paths import CACHE_VARIABLE

PATIENCE_SECONDS = 900.0  # for another process that is fetching or converting the same model
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def put_once(folder: Path, size: int, usable: Callable[[Path], bool], build: Callable[[Path], None]) -> Path:
    """Return ``folder`` of the cache, built first unless it is there and ``usable``.

    ``build`` fills an empty folder that takes its final name when it is complete and on the medium. Of several
    processes one builds, and the others wait for it. What an interrupted one left behind is removed. ``size`` (bytes,
    for the message) is what will be written. Raises ConfigError where the cache cannot be written or has no space.
    """
    if usable(folder):
        return folder
    partial = folder.with_name(f"{folder.name}.partial")
    with _as_one_line(folder, size):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_name(f"{folder.name}.lock"), timeout=PATIENCE_SECONDS):
            if usable(folder):
                return folder
            _remove(partial)
            partial.mkdir()
            try:
                build(partial)
                sync_directory(partial)
                _remove(folder)
                partial.rename(folder)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
            sync_directory(folder.parent)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder of the cache, if it is there. Raises ConfigError where it cannot be removed."""
    with _as_one_line(folder, 0):
        if folder.exists():
            with filelock.FileLock(folder.with_name(f"{folder.name}.lock"), timeout=PATIENCE_SECONDS):
                _remove(folder)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)


@contextlib.contextmanager
def _as_one_line(folder: Path, size: int) -> Iterator[None]:
    try:
        yield
    except filelock.Timeout:
        raise ConfigError(
            f"{folder}: another process has held its lock for {PATIENCE_SECONDS:.0f} s; end it, or name another cache "
            f"with {CACHE_VARIABLE}"
        ) from None
    except NotImplementedError:  # what filelock raises there
        raise ConfigError(
            f"{folder}: the file system cannot lock files; name another cache with {CACHE_VARIABLE}"
        ) from None
    except OSError as error:
        if error.errno in NO_SPACE:
            raise ConfigError(
                f"{folder}: no space to write {size / 1e6:.0f} MB ({error.strerror}); free some, or name another cache "
                f"with {CACHE_VARIABLE}"
            ) from None
        raise ConfigError(
            f"{error.filename or folder}: cannot be written ({error.strerror or error}); "
            f"name another cache with {CACHE_VARIABLE}"
        ) from None
