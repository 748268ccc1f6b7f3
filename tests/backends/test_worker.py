"""The worker over a living backend that fails in every way: all of it is a result, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.backends.worker import BackendLoadFailed, Reply, Worker
from harness.core.records import Outcome, Request, Variant
from tests._places import ROOT

LONG = 60.0  # s; no test waits for it


def _worker(tmp_path: Path, *, progress: float = LONG, timeout: float = LONG, load: float = LONG, **settings) -> Worker:
    variant = Variant("n", "null", settings)
    return Worker(variant, tmp_path, request_timeout=timeout, progress_timeout=progress, load_timeout=load)


def _ask(worker: Worker, chunk: str = "c1", text: str = "one two three four", **more) -> Reply:
    return worker.request(Request(chunk, text, 7, **more))


def _failing(tmp_path: Path, kind: str, **settings) -> tuple[Worker, Reply, set[int]]:
    """Ask for one failure; returns the worker, its reply, and every process that was below us meanwhile."""
    entry = {"kind": kind, **settings.pop("entry", {})}
    worker = _worker(tmp_path, fail=[entry], **settings)
    worker.start()
    before = _tree()
    reply = _ask(worker)
    return worker, reply, before


def _tree() -> set[int]:
    """What this test has started, not what another module's fixture may still keep alive."""
    mark = f"TTS_SOAK_TEST={os.environ['TTS_SOAK_TEST']}"
    return {child.pid for child in psutil.Process().children(recursive=True) if mark in _environment(child.pid)}


def _running(pids: set[int]) -> list[int]:
    return [pid for pid in pids if _alive(pid)]


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(autouse=True)
def no_orphans(tmp_path: Path):
    """Nothing started by a test is left, not even a daemon that left the session; nor any temporary file."""
    mark = f"TTS_SOAK_TEST={tmp_path}"
    os.environ["TTS_SOAK_TEST"] = str(tmp_path)
    yield
    del os.environ["TTS_SOAK_TEST"]
    for _ in range(100):
        left = [pid for pid in psutil.pids() if pid != os.getpid() and mark in _environment(pid)]
        if not left:
            break
        time.sleep(0.02)
    assert not left, [psutil.Process(pid).cmdline() for pid in left]


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().replace(b"\0", b"\n").decode(errors="replace")
    except OSError:
        return ""


# ------------------------------------------------------------------------------------------- a healthy backend
def test_reply_carries_audio_tokens_and_costs(tmp_path: Path) -> None:
    worker = _worker(tmp_path, tokens=True, mode="speechlike")
    capabilities = worker.start()
    assert capabilities.sample_rate == 24000
    assert capabilities.layout is not None and capabilities.layout.codebook_sizes == (256,)
    reply = _ask(worker)
    assert reply.outcome is Outcome.OK and reply.sample_rate == 24000
    assert reply.samples is not None and reply.samples.dtype == np.float32 and reply.samples.shape == (28800,)
    assert reply.samples.flags.writeable and np.abs(reply.samples).max() > 0.01
    assert reply.tokens is not None and reply.tokens.dtype == np.int32 and reply.tokens.shape == (60, 1)
    assert (reply.token_count, reply.finish_reason) == (60, "stop")
    assert reply.cpu_seconds is not None and 0 < reply.cpu_seconds < 10
    assert reply.rss_bytes is not None and reply.peak_rss_bytes is not None
    assert 10e6 < reply.rss_bytes <= reply.peak_rss_bytes < 2e9
    assert worker.alive and worker.pid is not None
    pid = worker.pid
    worker.stop()
    assert not worker.alive and not psutil.pid_exists(pid) and list(tmp_path.iterdir()) == []


def test_same_request_gives_same_samples_in_a_fresh_process(tmp_path: Path) -> None:
    replies = []
    worker = _worker(tmp_path, tokens=True, mode="speechlike")
    for _ in range(2):
        worker.restart()
        replies.append(_ask(worker))
    other = worker.request(Request("c1", "one two three four", 8))
    worker.stop()
    assert replies[0].samples is not None and replies[1].samples is not None and other.samples is not None
    assert np.array_equal(replies[0].samples, replies[1].samples)
    assert not np.array_equal(replies[0].samples, other.samples)


def test_overrides_hold_for_one_request(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    worker.start()
    lengths = [len(_ask(worker, overrides=over).samples) for over in ({}, {"seconds_per_word": 1.0}, {})]
    worker.stop()
    assert lengths == [28800, 96000, 28800]


def test_any_text_reaches_the_backend_and_comes_back(tmp_path: Path) -> None:
    worker = _worker(tmp_path, seconds_per_word=0.0001)
    worker.start()
    for text in ("", "\0", "a\0b", "مرحبا 👩‍👩‍👧", "word " * 210_000):
        assert _ask(worker, text=text).outcome is Outcome.OK
    worker.stop()


def test_lone_surrogate_is_one_clear_error_and_costs_no_worker(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    worker.start()
    reply = _ask(worker, text="ab\ud800c")
    assert reply.outcome is Outcome.ERROR and "lone surrogate U+D800 at character 3" in reply.detail
    assert _ask(worker).outcome is Outcome.OK
    worker.stop()


def test_text_beyond_all_measure_is_one_clear_error(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    worker.start()
    reply = _ask(worker, text="x" * 4_000_001)
    assert reply.outcome is Outcome.ERROR and "4000001 characters" in reply.detail and worker.alive
    worker.stop()


def test_restarts_leave_no_descriptor_and_no_thread_behind(tmp_path: Path) -> None:
    worker = _worker(tmp_path, fail=[{"kind": "kill"}])
    worker.start()
    _ask(worker)
    before = (len(list(Path("/proc/self/fd").iterdir())), threading.active_count())
    for _ in range(4):
        worker.restart()
        _ask(worker)
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before


def test_reset_clears_state_without_a_restart(tmp_path: Path) -> None:
    worker = _worker(tmp_path, fail=[{"kind": "error", "first": 2}])
    worker.start()
    pid = worker.pid
    outcomes = [_ask(worker).outcome, _ask(worker).outcome]
    assert worker.reset() and worker.pid == pid
    outcomes.append(_ask(worker).outcome)
    worker.stop()
    assert outcomes == [Outcome.OK, Outcome.ERROR, Outcome.OK]
    assert not worker.reset()


def test_request_before_start_is_a_programming_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ask(_worker(tmp_path))


# ------------------------------------------------------------------------------------- death of the process
@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("crash", "signal 11 (SIGSEGV)"),
        ("kill", "signal 9 (SIGKILL)"),
        ("abort", "signal 6 (SIGABRT)"),
        ("exit", "exit 3"),
        ("close-pipe", "closed its pipe to the harness and kept running"),
    ],
)
def test_death_is_a_result_that_says_how(tmp_path: Path, kind: str, detail: str) -> None:
    worker, reply, tree = _failing(tmp_path, kind)
    assert (reply.outcome, reply.detail) == (Outcome.CRASH, detail)
    assert not worker.alive and not _running(tree)
    assert reply.samples is None and reply.peak_rss_bytes is not None
    worker.stop()


def test_restart_after_death_gives_a_working_backend(tmp_path: Path) -> None:
    worker = _worker(tmp_path, fail=[{"kind": "crash", "chunks": ["bad"]}])
    worker.start()
    outcomes = [_ask(worker, "good").outcome, _ask(worker, "bad").outcome, _ask(worker, "good").outcome]
    worker.restart()
    outcomes.append(_ask(worker, "good").outcome)
    worker.stop()
    assert outcomes == [Outcome.OK, Outcome.CRASH, Outcome.CRASH, Outcome.OK]


def test_what_was_printed_before_death_is_kept(tmp_path: Path) -> None:
    _, reply, _ = _failing(tmp_path, "exit")
    assert reply.stderr_tail == "null backend: leaving\n"


def test_death_between_requests_shows_at_the_next(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    worker.start()
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    for _ in range(250):
        if not worker.alive:
            break
        time.sleep(0.02)
    reply = _ask(worker)
    assert reply.outcome is Outcome.CRASH and "signal 9 (SIGKILL)" in reply.detail
    worker.stop()


# ---------------------------------------------------------------------------------------- the two watchdogs
@pytest.mark.parametrize("kind", ["hang", "hang-in-c", "fork-and-hang", "half-message"])
def test_hang_is_found_and_the_whole_tree_dies(tmp_path: Path, kind: str) -> None:
    worker, reply, tree = _failing(tmp_path, kind, progress=1.0)
    assert (reply.outcome, reply.detail) == (Outcome.HANG, "no sign of life for 1 s")
    assert not worker.alive and not _running(tree)


def test_daemon_that_left_the_session_is_seen_and_killed(tmp_path: Path) -> None:
    """The check of ``no_orphans`` would be empty if the daemon never ran: look at it while it lives."""
    worker = _worker(tmp_path, fail=[{"kind": "fork-and-hang"}], progress=3.0)
    worker.start()
    visited: set[int] = set()
    kill = worker._process.kill  # type: ignore[union-attr]

    def look_then_kill() -> None:
        visited.update(pid for pid in _tree() if os.getsid(pid) == pid)
        kill()

    worker._process.kill = look_then_kill  # type: ignore[union-attr,method-assign]
    assert _ask(worker).outcome is Outcome.HANG
    assert len(visited) >= 2, "guardian and daemon lead sessions of their own"
    assert not _running(visited)


def test_request_that_shows_life_but_never_ends_times_out(tmp_path: Path) -> None:
    worker, reply, tree = _failing(tmp_path, "hang", timeout=1.0)
    assert (reply.outcome, reply.detail) == (Outcome.TIMEOUT, "no answer within 1 s")
    assert not worker.alive and not _running(tree)


def test_slow_is_not_hung(tmp_path: Path) -> None:
    worker, reply, _ = _failing(tmp_path, "sleep", entry={"seconds": 0.5}, progress=20.0)
    assert reply.outcome is Outcome.OK and reply.wall_seconds >= 0.5
    assert reply.cpu_seconds is not None and reply.cpu_seconds < reply.wall_seconds
    worker.stop()


# ---------------------------------------------------------------------------------------- noise and garbage
def test_megabytes_on_stderr_neither_block_nor_fill_memory(tmp_path: Path) -> None:
    worker, reply, _ = _failing(tmp_path, "spew", entry={"megabytes": 20})
    assert reply.outcome is Outcome.OK
    assert len(reply.stderr_tail) <= 1 << 16 and reply.stderr_tail.endswith("end of the noise\n")
    assert "�" in reply.stderr_tail, "bytes that are no UTF-8 are replaced, not dropped"
    worker.stop()


def test_garbage_on_the_pipe_ends_the_worker_with_the_reason(tmp_path: Path) -> None:
    worker, reply, _ = _failing(tmp_path, "garbage")
    assert reply.outcome is Outcome.CRASH and "wrote on the harness's own pipe" in reply.detail
    assert not worker.alive


def test_memory_of_one_request_is_not_charged_to_the_next(tmp_path: Path) -> None:
    worker = _worker(tmp_path, fail=[{"kind": "leak", "chunks": ["big"], "megabytes": 60}])
    worker.start()
    small, big = _ask(worker, "small"), _ask(worker, "big")
    worker.stop()
    assert small.peak_rss_bytes is not None and big.rss_bytes is not None and big.peak_rss_bytes is not None
    assert big.peak_rss_bytes >= big.rss_bytes > small.peak_rss_bytes + 40e6


# ----------------------------------------------------------------------------------- answers without speech
@pytest.mark.parametrize(
    ("kind", "outcome", "detail"),
    [
        ("error", Outcome.ERROR, "the null backend was asked to refuse"),
        ("raise", Outcome.ERROR, "ValueError: the null backend was asked to raise"),
        ("no-audio", Outcome.NO_AUDIO, "the null backend was asked to give nothing"),
        ("no-frames", Outcome.NO_AUDIO, "the backend gave no frames"),
        ("text-file", Outcome.BAD_AUDIO, "Error: out of credits"),
    ],
)
def test_answer_without_speech_is_a_result_and_the_worker_lives(tmp_path: Path, kind, outcome, detail) -> None:
    worker, reply, _ = _failing(tmp_path, kind, tokens=True)
    assert reply.outcome is outcome and detail in reply.detail and "\n" not in reply.detail
    assert str(tmp_path) not in reply.detail, "a temporary path would make two equal runs differ"
    assert worker.alive and reply.samples is None
    if kind in ("no-audio", "no-frames", "text-file"):
        assert reply.token_count == 60, "what is known all the same is kept"
    if kind == "raise":
        assert "Traceback" in reply.stderr_tail
    worker.stop()


def test_broken_audio_passes_unchanged(tmp_path: Path) -> None:
    worker, reply, _ = _failing(tmp_path, "nan")
    assert reply.outcome is Outcome.OK and reply.samples is not None and np.isnan(reply.samples).any()
    worker.stop()


# --------------------------------------------------------------------------------------------------- loading
@pytest.mark.parametrize(
    ("how", "detail"),
    [
        ("raise", "RuntimeError: the null backend was asked to fail while loading"),
        ("crash", "signal 11 (SIGSEGV) (last output: "),
        ("hang", "did not load within 1 s"),
    ],
)
def test_failed_load_is_one_line(tmp_path: Path, how: str, detail: str) -> None:
    worker = _worker(tmp_path, load=1.0 if how == "hang" else LONG)
    worker.variant = Variant("v", "null", {"load": how})
    with pytest.raises(BackendLoadFailed) as caught:
        worker.start()
    assert str(caught.value).startswith(f"variant 'v': adapter 'null' did not load: {detail}")
    assert "\n" not in str(caught.value) and not worker.alive
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------------- death of the harness
HARNESS = """
import sys
from pathlib import Path
from harness.backends.worker import Worker
from harness.core.records import Request, Variant
worker = Worker(Variant("n", "null", {"fail": [{"kind": sys.argv[2]}]}), Path(sys.argv[1]))
worker.start()
print(worker.pid, flush=True)
worker.request(Request("c", "hello", 1))
"""


@pytest.mark.parametrize("kind", ["fork-and-hang", "hang-in-c"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_worker_does_not_outlive_a_killed_harness(tmp_path: Path, kind: str, number: int) -> None:
    """``no_orphans`` looks for daemons; also Ctrl-C, which reaches the harness alone."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell inherits it ignored
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, str(tmp_path), kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
    )
    assert harness.stdout is not None
    worker = int(harness.stdout.readline())
    time.sleep(0.3)  # into the request
    assert psutil.pid_exists(worker)
    harness.send_signal(number)
    assert harness.wait(20) != 0
    for _ in range(200):
        if not _running({worker}):
            break
        time.sleep(0.02)
    assert not _running({worker})
    for _ in range(200):
        if not list(tmp_path.iterdir()):
            break
        time.sleep(0.02)
    assert list(tmp_path.iterdir()) == [], "temporary files go with it"


def test_worker_does_not_outlive_its_guardian(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    worker.start()
    assert worker.pid is not None
    guardian = psutil.Process(worker.pid).ppid()
    os.kill(guardian, signal.SIGKILL)
    reply = _ask(worker)
    ends = time.monotonic() + 20  # the kernel tells the worker of its parent's death; a busy machine takes a moment
    while _running({worker.pid}) and time.monotonic() < ends:
        time.sleep(0.05)
    assert reply.outcome is Outcome.CRASH and not _running({worker.pid})
    worker.stop()
