"""Real processes: kills at random moments, two writers, readers beside a writer, forks, a really full disk."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import StoreError
from harness.core.records import Attempt, Measurement, Status
from harness.store import Run, latest, list_runs
from tests._places import ROOT

WRITER = """
import os, sys
from pathlib import Path
import numpy as np
from harness.core.errors import StoreError
from harness.store import Run, latest
from harness.core.records import Attempt, Measurement, Status
root = Path(sys.argv[1])
try:
    if root.exists():
        run = Run.open(latest(root), write=True)
        session, start = 1, max([a.sequence for a in run.attempts()], default=-1) + 1
        epoch = run.begin_epoch(session, "resume", {})
    else:
        run = Run.create(root, {"corpus": "endless"}, "r")
        session, start = run.begin_session("q4", "soak", []), 0
        epoch = run.begin_epoch(session, "start", {})
    os.write(1, b"ready\\n")
    for n in range(start, 100000):
        samples = np.random.default_rng(n).uniform(-1, 1, 3000).astype(np.float32)
        stored = run.record_attempt(Attempt(session, epoch, n, f"c{n}", "q4", sample_rate=8000), samples)
        os.write(1, f"{stored.id} {n} {stored.audio_sha256}\\n".encode())
        run.record_observations(stored.id, [Measurement("signal", "1", Status.OK, {"n": n})])
except StoreError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def start(root: Path, **given) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}, **given,
    )  # fmt: skip


def acknowledged(output: bytes) -> dict[int, tuple[int, str]]:
    """Attempt id -> (sequence, hash); the last line may be torn."""
    whole = output[: output.rfind(b"\n") + 1].decode().splitlines()
    lines = [line.split() for line in whole if line != "ready"]
    return {int(number): (int(n), sha256) for number, n, sha256 in lines}


def begin(root: Path, name: str = "r") -> Run:
    run = Run.create(root, {}, name)
    run.begin_epoch(run.begin_session("q4", "soak", ["a"]), "start", {})
    return run


def test_kills_at_random_moments_lose_double_and_change_nothing(tmp_path):
    root = tmp_path / "reports"
    chance = random.Random(11)
    promised: dict[int, tuple[int, str]] = {}
    kills = 0
    while kills < 12 or (len(promised) <= 12 and kills < 60):  # on a busy machine many kills come before the first row
        kill, kills = kills, kills + 1
        writer = start(root)
        assert writer.stdout.readline() == b"ready\n", writer.stderr.read()
        time.sleep(chance.uniform(0, 0.15))
        writer.send_signal(signal.SIGKILL)
        output, _ = writer.communicate()
        promised |= acknowledged(output)
        with Run.open(root / "r") as run:
            assert run.crashed and run.status == "running"
            stored = {a.id: (a.sequence, a.audio_sha256) for a in run.attempts()}
            assert promised.items() <= stored.items()
            assert len(stored) <= len(promised) + kill + 1  # at most the one in flight at each kill
            assert sorted(n for n, _ in stored.values()) == list(range(len(stored)))
            for attempt in run.attempts():
                expected = np.random.default_rng(attempt.sequence).uniform(-1, 1, 3000).astype(np.float32)
                assert np.array_equal(run.read_audio(attempt)[0], expected)
    with Run.open(root / "r", write=True) as run:
        assert run.verify() == []
        assert [epoch.reason for epoch in run.epochs(1)] == ["start"] + ["resume"] * (kills - 1)
    assert len(promised) > 12


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path):
    writer = start(tmp_path / "reports")
    try:
        writer.stdout.readline()
        with pytest.raises(StoreError, match=f"process {writer.pid} is writing"):
            Run.open(tmp_path / "reports" / "r", write=True)
        with Run.open(tmp_path / "reports" / "r") as reader:
            assert not reader.crashed
    finally:
        writer.kill()
        writer.communicate()
    with Run.open(tmp_path / "reports" / "r", write=True) as run:  # its lock died with it
        run.record_event("x", {})


def test_readers_beside_a_writer_see_whole_attempts_and_change_no_byte(tmp_path):
    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    with begin(tmp_path) as run:
        stored = run.record_attempt(Attempt(1, 0, 0, "a", "q4", sample_rate=8000), np.ones(50, np.float32))
        files = [p for p in run.path.rglob("*") if p.is_file() and not p.name.endswith("-shm")]
        before = {p: digest(p) for p in files}
        with Run.open(run.path) as reader:
            assert reader.verify() == [] and reader.status == "running" and len(list_runs(tmp_path)) == 1
            assert {p: digest(p) for p in files} == before
            run.record_attempt(Attempt(1, 0, 1, "b", "q4"), None)
            assert len(reader.attempts()) == 2  # the open reader sees what was added
            assert reader.read_audio(stored)[1] == 8000
        run.finish("finished")
    files = sorted(p for p in run.path.rglob("*") if p.is_file())
    assert [p.name for p in files if "sqlite" in p.name] == ["journal.sqlite"]  # one file once it is closed
    before = {p: digest(p) for p in files}
    with Run.open(run.path) as reader:
        reader.attempts()
        assert reader.verify() == []
    assert sorted(p for p in run.path.rglob("*") if p.is_file()) == files
    assert {p: digest(p) for p in files} == before


def test_a_run_left_running_is_resumed_in_a_new_epoch_and_can_be_finished(tmp_path):
    run = begin(tmp_path)
    run.record_attempt(Attempt(1, 0, 0, "a", "q4"), None)
    run.close()  # no finish: as a kill leaves it
    assert list_runs(tmp_path)[0].crashed
    with Run.open(latest(tmp_path), write=True) as again:
        assert again.begin_epoch(1, "resume", {}) == 1
        again.record_attempt(Attempt(1, 1, 1, "b", "q4"), None)
        again.finish("finished")
    info = list_runs(tmp_path)[0]
    assert (info.status, info.crashed, info.attempts) == ("finished", False, 2)
    with Run.open(latest(tmp_path), write=True) as again:  # judging again does not make it running
        again.record_event("judged again", {})
        assert again.status == "finished"
        again.begin_epoch(1, "resume", {})
        assert again.status == "running"


def _use_in_child(run: Run, queue: multiprocessing.Queue) -> None:
    try:
        run.record_event("x", {})
        queue.put("written")
    except StoreError as error:
        queue.put(str(error))


def test_a_forked_child_can_neither_write_nor_keep_the_run_locked(tmp_path):
    run = begin(tmp_path)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_use_in_child, args=(run, queue))
    child.start()
    assert "only the process that opened" in queue.get(timeout=30)
    child.join()
    lasting = context.Process(target=time.sleep, args=(60,))
    lasting.start()
    try:
        run.close()
        with Run.open(run.path, write=True) as again:  # although a child of the former writer lives
            again.record_event("x", {})
    finally:
        lasting.kill()
        lasting.join()


def test_threads_may_share_a_run(tmp_path):
    with begin(tmp_path) as run:
        numbers = [run.record_attempt(Attempt(1, 0, n, f"c{n}", "q4"), None).id for n in range(8)]
        failures: list[BaseException] = []

        def observe(number: int) -> None:
            try:
                for n in range(10):
                    run.record_observations(number, [Measurement(f"s{n}", "1", Status.OK, {"n": n})])
                    run.observations(number)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=observe, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert [len(run.observations(number)) for number in numbers] == [10] * 8
        assert run.verify() == []


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("mounting a small file system needs root")
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def check_stopped(writer: subprocess.Popen, root: Path, said: tuple[str, ...]) -> None:
    output, errors = writer.communicate(timeout=120)
    assert writer.returncode == StoreError.exit_code
    message = errors.decode().strip()
    assert any(words in message for words in said) and len(message.splitlines()) == 1
    promised = acknowledged(output)
    with Run.open(root / "r") as run:
        stored = {a.id: (a.sequence, a.audio_sha256) for a in run.attempts()}
        assert promised and promised.items() <= stored.items() and len(stored) <= len(promised) + 1
        assert [line for line in run.verify() if "belongs to no attempt" not in line] == []


def test_a_really_full_disk_stops_the_run_and_loses_nothing(small_disk):
    root = small_disk / "reports"
    check_stopped(start(root), root, ("No space left on device", "disk is full"))
    with pytest.raises(StoreError, match=r"cannot be written|full|No space"), Run.open(root / "r", write=True) as run:
        for n in range(1000):
            run.record_event("filler", {"text": "x" * 4000, "n": n})


def test_a_file_size_limit_stops_the_run_and_loses_nothing(tmp_path):
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    root = tmp_path / "reports"
    check_stopped(start(root, preexec_fn=limit), root, ("File too large", "disk I/O error", "disk is full"))


def test_after_a_failed_write_nothing_more_is_written(tmp_path, monkeypatch):
    with begin(tmp_path) as run:
        real = os.fsync

        def fail(descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(StoreError, match="Input/output error"):
            run.record_attempt(Attempt(1, 0, 0, "a", "q4", sample_rate=8000), np.ones(9, np.float32))
        monkeypatch.setattr(os, "fsync", real)
        # The next fsync may report success for data that never arrived, so it must not be trusted.
        with pytest.raises(StoreError, match="earlier failure"):
            run.record_attempt(Attempt(1, 0, 0, "a", "q4"), None)
        with pytest.raises(StoreError, match="earlier failure"):
            run.finish("finished")
    with Run.open(run.path, write=True) as again:
        assert again.attempts() == [] and again.status == "running"
        again.record_attempt(Attempt(1, 0, 0, "a", "q4"), None)
