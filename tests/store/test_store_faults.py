"""The store's promise under kills, full and failing disks and power cuts, struck at every call that changes a file.

A preloaded library (store_io/shim.c) stands between the store, SQLite included, and libc. Checked after every
strike: each acknowledged attempt is there exactly once with its sound, at most the one in flight is there too, the
run verifies, and it can be resumed to the end.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests._places import ROOT

HERE = ROOT / "tests" / "store" / "store_io"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD as used here is Linux's"),
    pytest.mark.skipif(COMPILER is None, reason="needs a C compiler for the library that injects faults"),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory) -> Path:
    built = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run(
        [str(COMPILER), "-shared", "-fPIC", "-O1", "-w", "-o", str(built), str(HERE / "shim.c"), "-ldl"], check=True
    )
    return built


@pytest.fixture
def place(tmp_path):
    """A directory in memory where there is one: the faults are injected, so no disk has to be waited for."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = memory / f"tts-soak-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def drive(shim: Path, place: Path, *arguments: str) -> dict:
    environment = {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]),
    }
    done = subprocess.run(
        [sys.executable, str(HERE / "driver.py"), str(shim), str(place), *arguments],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["wrong"] == [], "\n".join(outcome["wrong"][:10]) + done.stderr[-2000:]
    return outcome


@pytest.mark.parametrize("code", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("mode", ["fail-once", "fail-on"])
def test_no_failing_call_loses_what_was_acknowledged(shim, place, mode, code):
    outcome = drive(shim, place, mode, code)
    assert outcome["calls"] > 60  # every write, sync, rename, creation and deletion of the run was struck
    assert outcome["refused"] > outcome["calls"] / 2  # the rest are checkpoints, which SQLite repeats from the WAL


@pytest.mark.parametrize("mode", ["kill", "torn"])
def test_a_kill_after_any_call_loses_nothing_acknowledged(shim, place, mode):
    outcome = drive(shim, place, mode, "EIO")
    assert outcome["calls"] > 60 and outcome["refused"] == outcome["calls"]


def test_a_power_cut_after_any_call_loses_nothing_acknowledged(shim, place):
    outcome = drive(shim, place, "power", "4")
    assert outcome["states"] > 4 * 60
