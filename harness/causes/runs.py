"""Runs that look for a cause: where they are kept, and those that there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.core.documents import read_json
from harness.core.errors import ConfigError
from harness.store import list_runs
from harness.store.manifest import Manifest

FOLDER = "causes"  # below the reports: runs of this kind, which are no soaks


def runs_of_suite(folder: Path, suite: str) -> Iterator[tuple[Path, Manifest]]:
    """Yield directory and manifest of the runs of a suite in ``folder``, the newest first, without damaged ones."""
    for info in reversed(list_runs(folder)):
        try:
            manifest: Manifest = read_json(info.path / "manifest.json", "manifest")
        except ConfigError:
            continue
        if manifest.get("suite") == suite and suite in manifest.get("experiment", {}):
            yield info.path, manifest
