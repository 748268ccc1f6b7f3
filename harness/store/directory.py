"""The directory that holds the runs: list, find the latest, delete old ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import StoreError
from harness.store.lock import held
from harness.store.reader import directory_bytes
from harness.store.run import MANIFEST, Run, read_manifest


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run in a list. ``problem`` says why it cannot be read; the counts are then None."""

    path: Path
    run_id: str
    created_utc: str
    status: str | None
    crashed: bool
    attempts: int | None
    disk_bytes: int
    problem: str = ""


def runs(root: Path) -> list[RunInfo]:
    """All runs under ``root``, oldest first; damaged ones too, with the problem named."""
    if not root.is_dir():
        return []
    found = [
        _info(path)
        for path in root.iterdir()
        if not path.name.startswith(".") and path.name != "latest" and (path / MANIFEST).is_file()
    ]
    return sorted(found, key=lambda info: (info.created_utc, info.run_id))


def _info(path: Path) -> RunInfo:
    created = ""
    try:
        created = str(read_manifest(path).get("created_utc", ""))
        with Run.open(path) as run:
            count = len(run.attempts())
            return RunInfo(path, path.name, created, run.status, run.crashed, count, directory_bytes(path))
    except StoreError as error:
        return RunInfo(path, path.name, created, None, not held(path), None, directory_bytes(path), str(error))


def latest(root: Path) -> Path:
    """Where ``root/latest`` leads, else the newest run. Raises StoreError when there is none."""
    link = root / "latest"
    try:
        target = link.resolve() if link.is_symlink() or link.is_dir() else root / link.read_text().strip()
        if (target / MANIFEST).is_file():
            return target
    except (OSError, ValueError):
        pass  # no link, or one that leads nowhere: the newest run is what it should have named
    found = runs(root)
    if not found:
        raise StoreError(f"{root}: there is no run yet")
    return found[-1].path
