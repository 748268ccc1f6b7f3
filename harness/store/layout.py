"""The directory of one run: made whole or not at all, its manifest, and the link to the latest."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from harness.core.documents import read_json
from harness.core.durable import sync_directory, write_durably
from harness.core.errors import StoreError
from harness.store.journal import Journal
from harness.store.lock import Lock, held
from harness.store.manifest import Manifest

MANIFEST = "manifest.json"
JOURNAL = "journal.sqlite"
_CREATION_SECONDS = 60.0  # much more than making a directory takes


def create_run_directory(path: Path, manifest: str) -> Lock:
    """Make the directory under a hidden name and rename it whole; return its lock. Raises OSError, StoreError."""
    root, building = path.parent, path.with_name(f".{path.name}.new")
    sweep_unfinished(root)
    if not root.exists():
        root.mkdir(parents=True)
        sync_directory(root.parent)
    (building / "audio").mkdir(parents=True)
    write_durably(building / MANIFEST, manifest.encode())
    Journal.create(building / JOURNAL)
    lock = Lock.take(building)
    try:
        sync_directory(building)
        building.rename(path)
        sync_directory(root)
    except OSError:
        lock.release()
        raise
    lock.run = path
    return lock


def sweep_unfinished(root: Path) -> None:
    """Remove what creations that were cut off have left; one that is going on is younger or holds its lock."""
    for building in root.glob(".*.new"):
        with contextlib.suppress(OSError):
            if time.time() - building.lstat().st_mtime > _CREATION_SECONDS and not held(building):
                shutil.rmtree(building)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of a run directory. Raises StoreError."""
    file = path / MANIFEST
    if not file.is_file():
        what = "not a file" if file.exists() else "No such file or directory"
        raise StoreError(f"{path}: no run ({MANIFEST}: {what})")
    try:
        manifest: Manifest = read_json(file, "manifest", StoreError)
    except StoreError as error:
        raise StoreError(f"{file}: damaged ({str(error).removeprefix(f'{file}: ')})") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("run_id"), str):
        raise StoreError(f"{file}: not a manifest of tts-soak")
    return manifest


def point_latest(root: Path, name: str) -> None:
    """Let ``root/latest`` name a run, in one step. Raises StoreError."""
    link = root / "latest"
    temporary = root / f".latest.{os.getpid()}.tmp"
    try:
        temporary.unlink(missing_ok=True)
        try:
            temporary.symlink_to(name, target_is_directory=True)
        except OSError:  # a file system or user without symbolic links
            temporary.write_text(f"{name}\n")
        temporary.replace(link)
    except OSError as error:
        raise StoreError(f"{link}: cannot be written ({error.strerror})") from error
