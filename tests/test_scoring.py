"""A scorer that crashes, hangs or cannot start costs observations, stated as errors, never the run."""

import os
import queue
import signal
import time

import numpy as np
import pytest

from harness.audio import write_wav
from harness.core.records import Attempt, Chunk, Status, Variant
from harness.engine.scoring import ScoreJob, ScoringProcess
from harness.engine.scoring import scoring_process as room_module

RATE = 16000


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "a.wav"
    time_axis = np.arange(RATE, dtype=np.float32) / RATE
    write_wav(path, (0.3 * np.sin(2 * np.pi * 200 * time_axis)).astype(np.float32), RATE)
    return path


def job(number, audio, scorers=None):
    attempt = Attempt(0, 0, number, "c", "v", sample_rate=RATE, duration=1.0, id=number)
    return ScoreJob(attempt, Chunk("c", "one two"), audio, Variant("v", "null"), scorers=scorers)


@pytest.fixture
def make_room(tmp_path):
    rooms = []

    def make(scorers):
        results = queue.Queue()
        room = ScoringProcess("analysis", scorers, results.put, tmp_path / "log")
        rooms.append(room)
        return room, results

    yield make
    for room in rooms:
        room.close()


def test_what_was_seen_comes_back_with_what_was_missing(make_room, sound):
    room, results = make_room({"signal": {}, "tokens": {}})
    room.submit(job(1, sound))
    seen = {o.scorer: o for o in results.get(timeout=60).observations}
    assert seen["signal"].status is Status.OK
    assert seen["signal"].payload["duration"] == pytest.approx(1.0)
    assert seen["tokens"].status is Status.NOT_AVAILABLE
    assert "no tokens" in seen["tokens"].reason


def test_a_killed_scoring_process_costs_one_attempt(make_room, sound):
    room, results = make_room({"signal": {}})
    room.submit(job(1, sound))
    assert results.get(timeout=60).observations[0].status is Status.OK
    os.killpg(room._process.pid, signal.SIGKILL)
    room._process.wait()
    room.submit(job(2, sound))
    room.submit(job(3, sound))
    after = [results.get(timeout=60).observations[0].status for _ in range(2)]
    assert after[-1] is Status.OK


def test_a_scorer_that_hangs_is_stopped_and_said(make_room, sound, monkeypatch):
    room, results = make_room({"signal": {}})
    room.submit(job(1, sound))
    results.get(timeout=60)
    monkeypatch.setattr(room_module, "_FIXED_SECONDS", 0.5)
    monkeypatch.setattr(room_module, "_SECONDS_PER_AUDIO_SECOND", 0.0)
    os.killpg(room._process.pid, signal.SIGSTOP)
    room.submit(job(2, sound))
    (seen,) = results.get(timeout=30).observations
    assert seen.status is Status.ERROR
    assert "no answer within" in seen.reason
    room.submit(job(3, sound))
    monkeypatch.setattr(room_module, "_FIXED_SECONDS", 60.0)
    assert results.get(timeout=60).attempt_id == 3


def test_a_scorer_that_cannot_start_is_an_error_on_every_attempt(make_room, sound):
    room, results = make_room({"signal": {"no_such_option": 1}})
    for number in (1, 2):
        room.submit(job(number, sound))
        (seen,) = results.get(timeout=60).observations
        assert seen.status is Status.ERROR
        assert "cannot start" in seen.reason


def test_kill_drops_what_is_queued(make_room, sound):
    room, results = make_room({"signal": {}})
    for number in range(1, 30):
        room.submit(job(number, sound))
    room.kill()
    time.sleep(0.2)
    assert results.qsize() < 29
