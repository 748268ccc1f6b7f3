"""A scorer that crashes, hangs or cannot start costs observations, stated as errors, never the run."""

import os
import queue
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest

from harness.audio import write_wav
from harness.core.records import Arm, Attempt, Chunk, Status, Variant, VerdictWord
from harness.corpora import load_corpus
from harness.engine.cores import scoring_jobs
from harness.engine.engine import Engine
from harness.engine.plan import Plan
from harness.engine.preflight import problems
from harness.engine.scoring import ScoreJob, ScoringPool, ScoringProcess
from harness.engine.scoring import scoring_process as room_module
from harness.report import run_summary
from harness.report.summary import TimingsValidity
from harness.store import Run
from harness.terminal import closing_lines

RATE = 16000


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "a.wav"
    time_axis = np.arange(RATE, dtype=np.float32) / RATE
    write_wav(path, (0.3 * np.sin(2 * np.pi * 200 * time_axis)).astype(np.float32), RATE)
    return path


def job(number, audio, scorers=("signal",), duration=1.0):
    attempt = Attempt(0, 0, number, "c", "v", sample_rate=RATE, duration=duration, id=number)
    return ScoreJob(attempt, Chunk("c", "one two"), audio, Variant("v", "null"), rooms={"analysis": scorers})


@pytest.fixture
def make_room(tmp_path):
    rooms = []

    def make(scorers, processes=1, beside=1):
        results = queue.Queue()
        seats = [ScoringProcess(scorers, tmp_path / "log") for _ in range(processes)]
        room = ScoringPool(seats, beside, results.put, in_order=False)
        rooms.append(room)
        return room, results

    yield make
    for room in rooms:
        room.close()


def test_what_was_seen_comes_back_with_what_was_missing(make_room, sound):
    room, results = make_room({"signal": {}, "tokens": {}})
    room.submit(job(1, sound, ("signal", "tokens")))
    measurements = {o.scorer: o for o in results.get(timeout=60).observations}
    assert measurements["signal"].status is Status.OK
    assert measurements["signal"].payload["duration"] == pytest.approx(1.0)
    assert measurements["tokens"].status is Status.NOT_AVAILABLE
    assert "no tokens" in measurements["tokens"].reason


def test_a_killed_scoring_process_costs_one_attempt(tmp_path, sound):
    seat, results = ScoringProcess({"signal": {}}, tmp_path / "log"), []
    seat.score(job(1, sound), results.append)
    group = seat._process.pid
    os.killpg(group, signal.SIGSTOP)  # so that it is at the job when it is killed
    threading.Timer(1.0, os.killpg, (group, signal.SIGKILL)).start()
    for number in (2, 3):
        seat.score(job(number, sound), results.append)
    seat.stop()
    assert [result.observations[0].status for result in results] == [Status.OK, Status.ERROR, Status.OK]


def test_a_scorer_that_hangs_is_stopped_and_said(make_room, sound, monkeypatch):
    room, results = make_room({"signal": {}})
    room.submit(job(1, sound))
    results.get(timeout=60)
    monkeypatch.setattr(room_module, "_FIXED_SECONDS", 0.5)
    monkeypatch.setattr(room_module, "_SECONDS_PER_AUDIO_SECOND", 0.0)
    os.killpg(room.seats[0]._process.pid, signal.SIGSTOP)
    room.submit(job(2, sound))
    (measurement,) = results.get(timeout=30).observations
    assert measurement.status is Status.ERROR
    assert "no answer within" in measurement.reason
    room.submit(job(3, sound))
    monkeypatch.setattr(room_module, "_FIXED_SECONDS", 60.0)
    assert results.get(timeout=60).attempt_id == 3


def test_a_scorer_that_cannot_start_is_an_error_on_every_attempt(make_room, sound):
    room, results = make_room({"signal": {"no_such_option": 1}})
    for number in (1, 2):
        room.submit(job(number, sound))
        (measurement,) = results.get(timeout=60).observations
        assert measurement.status is Status.ERROR
        assert "cannot start" in measurement.reason


BOTH = {"analysis": ("signal", "pitch"), "recognizer": ("speaker",)}
COUNTING = """
import os, sys
def opened(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".wav"):
        with_pid = f"{os.getpid()} {arguments[0]}\\n"
        log = os.open(os.environ["OPENED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, with_pid.encode())
        os.close(log)
sys.addaudithook(opened)
"""


def test_a_clip_is_decoded_once_for_the_scorers_of_both_rooms(tmp_path, sound, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(COUNTING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OPENED", str(tmp_path / "opened.log"))
    results = queue.Queue()
    scorers = {name: {} for names in BOTH.values() for name in names}
    pool = ScoringPool([ScoringProcess(scorers, tmp_path / "log")], 1, results.put, in_order=False)
    clips = [tmp_path / f"{number}.wav" for number in (1, 2)]
    for number, clip in enumerate(clips):
        clip.write_bytes(sound.read_bytes())
        pool.submit(replace(job(number, clip), rooms=BOTH))
    pool.close()
    answers = [results.get_nowait() for _ in range(4)]
    assert {(result.attempt_id, result.room) for result in answers} == {(n, room) for n in (0, 1) for room in BOTH}
    assert {one.status for result in answers if result.room == "analysis" for one in result.observations} == {Status.OK}
    opened = [line.split()[1] for line in (tmp_path / "opened.log").read_text().splitlines()]
    assert sorted(opened) == sorted(map(str, clips))


def test_what_kills_one_room_leaves_what_the_others_see(tmp_path, sound):
    seat = ScoringProcess({"signal": {}, "pitch": {}}, tmp_path / "log")
    answers = []

    def kill_then_keep(result):
        answers.append(result)
        if len(answers) == 1:
            os.killpg(seat._process.pid, signal.SIGKILL)  # pitch is still being loaded

    rooms = {"analysis": ("signal",), "recognizer": ("pitch",), "third": ("signal",)}
    left = seat.score(replace(job(1, sound), rooms=rooms), kill_then_keep)
    assert [(result.room, result.observations[0].status) for result in answers] == [
        ("analysis", Status.OK),
        ("recognizer", Status.ERROR),
    ]
    assert "died" in answers[1].observations[0].reason
    assert list(left.rooms) == ["third"]
    assert seat.score(left, answers.append) is None
    assert answers[-1].room == "third" and answers[-1].observations[0].status is Status.OK
    seat.stop()


class SlowSeat:
    """A seat at which a job takes half a second, or until it is stopped."""

    def __init__(self):
        self.jobs, self._stopped = [], threading.Event()

    def warm(self): ...

    def score(self, job, deliver):
        self.jobs.append(job.attempt_id)
        self._stopped.wait(0.5)

    def stop(self):
        self._stopped.set()


def test_kill_drops_what_is_queued(sound):
    seat = SlowSeat()
    pool = ScoringPool([seat], 1, lambda _: None, in_order=True)
    for number in range(1, 9):
        pool.submit(job(number, sound))
    pool.kill()
    pool.close()  # waits for the thread
    assert seat.jobs in ([], [1])


def test_the_longest_attempt_is_scored_first_and_beside_speech_only_so_many_processes_work(make_room, sound):
    room, results = make_room({"signal": {}}, processes=2, beside=1)
    for number, duration in enumerate((1.0, 3.0, 9.0, 5.0)):
        room.submit(job(number, sound, duration=duration))
    order = [results.get(timeout=60).attempt_id for _ in range(4)]
    assert order[1:] in ([2, 3, 1], [3, 1, 0])  # the first one began before the others came
    assert room.seats[1]._process is None
    room.speaking(False)
    for number in range(4, 40):
        room.submit(job(number, sound))
    assert {results.get(timeout=60).attempt_id for _ in range(36)} == set(range(4, 40))
    assert room.seats[1]._process is not None


def test_verdicts_are_the_same_whatever_the_number_of_scoring_processes(tmp_path):
    corpus = load_corpus("generated:seed=3,chunks=12")
    fail = [{"kind": "silence", "chunks": [corpus.chunks[4].id]}]
    variant = Variant("n", "null", {"tokens": True, "seconds_per_word": 0.05, "fail": fail})
    verdicts = []
    for jobs in (1, 3):
        ids = {"n": tuple(chunk.id for chunk in corpus.chunks)}
        scorers = {"signal": {}, "pitch": {}, "tokens": {}}
        plan = Plan("stress", corpus, (variant,), ids, tmp_path / str(jobs), scorers=scorers, jobs=jobs)
        with Run.open(Engine(plan).run()) as run:
            attempts = {a.id: a.chunk_id for a in run.attempts(arm=Arm.SOAK)}
            verdicts.append({attempts[key]: verdict for key, verdict in run.verdicts(arm=Arm.SOAK).items()})
    assert len(verdicts[0]) == 12
    assert verdicts[0] == verdicts[1]
    assert verdicts[0][corpus.chunks[4].id].word is VerdictWord.FAULTY


@pytest.mark.parametrize(
    ("variant", "jobs", "beside"),
    [
        (Variant("n", "null"), None, 3),
        (Variant("t", "llama_codec", {"threads": 3}), None, 1),
        (Variant("r", "null", resources={"CPU": 2}), None, 2),
        (Variant("s", "http", {"url": "http://h"}), None, 4),
        (Variant("o", "http", {"url": "http://h", "start": ["x"]}), None, 3),
        (Variant("many", "llama_codec", {"threads": 9}), None, 1),
        (Variant("n", "null"), 7, 7),
    ],
)
def test_scoring_takes_the_cores_that_synthesis_leaves(tmp_path, monkeypatch, variant, jobs, beside):
    monkeypatch.setattr("harness.engine.cores.usable_cores", lambda: 4)
    plan = Plan("stress", load_corpus("generated:seed=3,chunks=1"), (variant,), {}, tmp_path, jobs=jobs)
    assert scoring_jobs(plan) == (beside, jobs or 4)


def test_scoring_that_is_behind_a_backend_that_only_waits_is_said(tmp_path):
    corpus = load_corpus("generated:seed=3,chunks=10")
    variant = Variant("n", "null", {"delay": 0.05, "seconds_per_word": 1.0})
    ids = {"n": tuple(chunk.id for chunk in corpus.chunks)}
    plan = Plan("stress", corpus, (variant,), ids, tmp_path, scorers={"pitch": {}}, jobs=1, quiet_chunks=0)
    with Run.open(Engine(plan).run()) as run:
        summary = run_summary(run)
    assert summary.variants["n"].scoring_lag.jobs == 1
    lines = {}
    for valid in (True, False):  # whatever else this machine does meanwhile
        told = summary.model_copy(update={"timings": TimingsValidity(valid=valid, reason="a busy machine")})
        lines[valid] = [text for text in closing_lines(told) if "behind" in text]
    (line,) = lines[True]
    assert "n: scoring was" in line and "more with --jobs N" in line
    assert lines[False] == []  # other work held scoring up: more processes would not help


def test_more_scoring_processes_than_the_cores_could_serve_are_refused(tmp_path):
    corpus = load_corpus("generated:seed=3,chunks=1")
    plan = Plan("stress", corpus, (Variant("n", "null"),), {"n": ("g-0001",)}, tmp_path, jobs=10_000)
    assert [line for line in problems(plan) if line.startswith("--jobs 10000: at most")]
