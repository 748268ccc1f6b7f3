"""The directory that holds the runs: list them, find the latest, delete old ones."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import StoreError
from harness.store.layout import JOURNAL, MANIFEST, point_latest, read_manifest, sweep_unfinished
from harness.store.lock import held
from harness.store.reader import directory_bytes
from harness.store.run import Run


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


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted: a whole run, or its audio only."""

    path: Path
    freed_bytes: int
    audio_only: bool

    def __str__(self) -> str:
        return f"{self.path.name}{' (audio)' if self.audio_only else ''}: {self.freed_bytes / 1e6:.1f} MB"


def list_runs(root: Path) -> list[RunInfo]:
    """Return all runs under ``root``, oldest first; damaged ones too, with the problem named."""
    if not root.is_dir():
        return []
    infos = [
        _info(path)
        for path in root.iterdir()
        if not path.name.startswith(".") and path.name != "latest" and (path / MANIFEST).is_file()
    ]
    return sorted(infos, key=lambda info: (info.created_utc, info.run_id))


def _info(path: Path) -> RunInfo:
    created = ""
    try:
        created = str(read_manifest(path).get("created_utc", ""))
        with Run.open(path) as run:
            count = run.attempt_count()
            return RunInfo(path, path.name, created, run.status, run.crashed, count, directory_bytes(path))
    except StoreError as error:
        return RunInfo(path, path.name, created, None, False, None, directory_bytes(path), str(error))


def latest(root: Path) -> Path:
    """Return where ``root/latest`` leads, else the newest run. Raises StoreError when there is none."""
    link = root / "latest"
    try:
        target = link.resolve() if link.is_symlink() or link.is_dir() else root / link.read_text().strip()
        if (target / MANIFEST).is_file():
            return target
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a link to itself
        pass  # no link, or one that leads nowhere: the newest run is what it should have named
    runs = list_runs(root)
    if not runs:
        raise StoreError(f"{root}: there is no run yet")
    return runs[-1].path


def prune_runs(root: Path, keep: int, *, audio_only: bool = False, protect: Collection[str] = ()) -> list[Pruned]:
    """Delete all but the ``keep`` newest runs, or only their audio; return what was deleted.

    Never touched: a run that is being written, one named in ``protect``, one that holds a file named KEEP, and
    anything that is not a run. Raises ValueError for a negative ``keep`` and StoreError when the disk refuses.
    """
    if keep < 0:
        raise ValueError(f"cannot keep {keep} runs")
    runs = list_runs(root)
    gone: list[Pruned] = []
    for info in runs[: len(runs) - keep]:
        path = info.path
        safe = path.name in protect or path.is_symlink() or (path / "KEEP").exists() or held(path)
        if safe or not (path / JOURNAL).is_file():
            continue
        try:
            item = _prune_audio(path) if audio_only else _prune_run(path)
        except OSError as error:
            raise StoreError(f"{path}: cannot be deleted ({error.strerror})") from error
        if item is not None:
            gone.append(item)
    if root.is_dir() and not audio_only:
        _sweep(root)
    return gone


def _prune_run(path: Path) -> Pruned:
    size = directory_bytes(path)
    # Renamed first: a deletion that is cut off must not leave half a run that looks like a whole one.
    doomed = path.with_name(f".{path.name}.pruned")
    path.rename(doomed)
    shutil.rmtree(doomed)
    return Pruned(path, size, audio_only=False)


def _prune_audio(path: Path) -> Pruned | None:
    folder = path / "audio"
    size = directory_bytes(folder) if folder.is_dir() else 0
    if not size:
        return None
    with Run.open(path, write=True) as run:  # written down first: missing audio must never look like a loss
        run.record_event("audio pruned", {"bytes": size})
    doomed = path / ".audio.pruned"
    folder.rename(doomed)
    folder.mkdir()
    shutil.rmtree(doomed)
    return Pruned(path, size, audio_only=True)


def _sweep(root: Path) -> None:
    """Finish deletions that were cut off, and let ``latest`` name a run that is there."""
    for doomed in root.glob(".*.pruned"):
        shutil.rmtree(doomed, ignore_errors=True)
    sweep_unfinished(root)
    link = root / "latest"
    if not (link.is_symlink() or link.exists()):
        return
    left = list_runs(root)
    if left:
        newest = latest(root).name
        if newest != (link.readlink().name if link.is_symlink() else link.read_text().strip()):
            point_latest(root, newest)
    else:
        link.unlink()
