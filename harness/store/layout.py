"""The directory of one run: made whole or not at all, its manifest, and the link to the latest."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from harness.durable import sync_directory, write_durably
from harness.errors import StoreError
from harness.store.journal import Journal
from harness.store.lock import Lock
from harness.types import Json

MANIFEST = "manifest.json"
JOURNAL = "journal.sqlite"


def build(path: Path, manifest: str) -> Lock:
    """Make the directory under a hidden name and rename it whole; return its lock. Raises OSError, StoreError."""
    root, building = path.parent, path.with_name(f".{path.name}.new")
    if building.exists():  # left by a creation that was cut off
        shutil.rmtree(building)
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


def read_manifest(path: Path) -> Json:
    """The manifest of a run directory. Raises StoreError."""
    file = path / MANIFEST
    try:
        manifest = json.loads(file.read_bytes())
    except OSError as error:
        raise StoreError(f"{path}: no run ({MANIFEST}: {error.strerror})") from error
    except ValueError as error:
        raise StoreError(f"{file}: damaged ({error})") from error
    if not isinstance(manifest, dict) or "run_id" not in manifest:
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
