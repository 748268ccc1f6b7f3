"""Old runs are deleted on request: newest kept, nothing that is in use or protected, and never half a run."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from harness.core.errors import StoreError
from harness.core.records import Attempt
from harness.store import Run, latest, list_runs, prune_runs


def make(root, name: str, status: str | None = "finished") -> None:
    with Run.create(root, {"corpus": "book"}, name) as run:
        run.begin_epoch(run.begin_session("q4", "soak", ["a"]), "start", {})
        run.record_attempt(Attempt(1, 0, 0, "a", "q4", sample_rate=8000), np.ones(500, np.float32))
        if status:
            run.finish(status)


def names(root) -> list[str]:
    return [info.run_id for info in list_runs(root)]


def test_the_newest_are_kept_and_the_rest_deleted(tmp_path):
    for name in ("c", "a", "b"):
        make(tmp_path, name)
    size = list_runs(tmp_path)[0].disk_bytes
    gone = prune_runs(tmp_path, 2)
    assert [(item.path.name, item.freed_bytes, item.audio_only) for item in gone] == [("c", size, False)]
    assert names(tmp_path) == ["a", "b"] and latest(tmp_path).name == "b"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert prune_runs(tmp_path, 2) == []


def test_nothing_in_use_protected_or_foreign_is_touched(tmp_path):
    root = tmp_path / "reports"
    for name in ("kept", "named", "old"):
        make(root, name)
    (root / "kept" / "KEEP").touch()
    (root / "baselines").mkdir()
    (root / "baselines" / "manifest.json").write_text("{}")
    make(tmp_path / "elsewhere", "linked")
    (root / "linked").symlink_to(tmp_path / "elsewhere" / "linked")
    with Run.create(root, {}, "busy"):
        gone = prune_runs(root, 0, protect={"named"})
        assert [item.path.name for item in gone] == ["old"]
        assert (root / "busy").is_dir()
    assert (root / "baselines").is_dir() and (tmp_path / "elsewhere" / "linked" / "journal.sqlite").exists()


def test_only_the_audio_can_go_and_its_absence_is_no_damage(tmp_path):
    for name in ("a", "b"):
        make(tmp_path, name)
    gone = prune_runs(tmp_path, 1, audio_only=True)
    assert [(item.path.name, item.audio_only) for item in gone] == [("a", True)]
    assert gone[0].freed_bytes == 2058
    with Run.open(tmp_path / "a") as run:
        assert run.verify() == [] and run.status == "finished" and len(run.attempts()) == 1
        with pytest.raises(StoreError, match="was pruned on"):
            run.read_audio(run.attempts()[0])
    assert prune_runs(tmp_path, 1, audio_only=True) == []


def test_latest_never_leads_nowhere(tmp_path):
    for name in ("a", "b"):
        make(tmp_path, name)
    shutil.rmtree(tmp_path / "b")
    assert latest(tmp_path).name == "a"
    prune_runs(tmp_path, 1)
    assert (tmp_path / "latest").resolve() == tmp_path / "a"
    prune_runs(tmp_path, 0)
    assert names(tmp_path) == [] and not (tmp_path / "latest").is_symlink()
    with pytest.raises(StoreError, match="no run yet"):
        latest(tmp_path)


def test_a_deletion_that_was_cut_off_is_finished_by_the_next(tmp_path):
    make(tmp_path, "a")
    make(tmp_path, "b")
    (tmp_path / "a").rename(tmp_path / ".a.pruned")
    assert names(tmp_path) == ["b"]
    prune_runs(tmp_path, 1)
    assert not (tmp_path / ".a.pruned").exists()


def test_a_crashed_run_may_go_and_disk_use_is_told(tmp_path):
    make(tmp_path, "a", status=None)
    make(tmp_path, "b")
    first = list_runs(tmp_path)[0]
    assert first.crashed and first.status == "running"
    assert first.disk_bytes == sum(p.stat().st_size for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert [item.path.name for item in prune_runs(tmp_path, 1)] == ["a"]


def test_a_negative_number_of_runs_and_an_absent_root(tmp_path):
    with pytest.raises(ValueError, match="cannot keep"):
        prune_runs(tmp_path, -1)
    assert prune_runs(tmp_path / "none", 3) == [] and list_runs(tmp_path / "none") == []
