"""Run by test_store_faults.py with shim.so preloaded: the same small run again and again, struck at every call.

Forks once a strike, so that nothing is imported twice. Prints one JSON line with what was seen.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import random
import shutil
import signal
import sys
import traceback
from pathlib import Path

import numpy as np
from powercut import crash_states, read_log

from harness.core.errors import StoreError
from harness.core.records import Attempt, Measurement, Status, Verdict, VerdictWord
from harness.store import Run, journal

MODES = {"fail-once": 2, "fail-on": 3, "kill": 4, "torn": 5}
CHUNKS = 3
# Checkpoints every few pages, so that a small run has several to be struck in.
journal._WRITER = tuple(line.replace("checkpoint = 256", "checkpoint = 12") for line in journal._WRITER)
shim = ctypes.CDLL(sys.argv[1])
shim.shim_seen.restype = ctypes.c_long


def sound(number: int) -> np.ndarray:
    return np.random.default_rng(number).uniform(-1, 1, 500).astype(np.float32)


def speak(run: Run, session: int, number: int, acknowledge) -> None:
    attempt = Attempt(session, 0, number, f"c{number}", "q4", sample_rate=8000)
    stored = run.record_attempt(attempt, sound(number))
    acknowledge(number)
    payload = {"x": "y" * 9000}
    run.record_observations(stored.id, [Measurement("signal", "1", Status.OK, payload)])
    run.record_verdict(stored.id, Verdict(VerdictWord.CLEAN), "k")


def work(root: Path, acknowledge) -> None:
    run = Run.create(root, {"corpus": "tiny"}, "r")
    session = run.begin_session("q4", "soak", ["c0", "c1", "c2"])
    run.begin_epoch(session, "start", {})
    acknowledge("created")
    for number in range(CHUNKS):
        speak(run, session, number, acknowledge)
    run.finish("finished")
    run.close()


def child(root: Path, mode: str, at: int, code: int, pipe: int) -> None:
    """Never returns. Exit 0: nothing was noticed; 3: StoreError; 70: another exception; or killed."""
    try:
        shim.shim_arm(str(root).encode(), MODES[mode], ctypes.c_long(at), code, -1)
        work(root, lambda what: os.write(pipe, f"{what}\n".encode()))
        struck = shim.shim_seen() >= at
        os.write(pipe, b"clean\n" if not struck else b"struck\n")
        os._exit(0)
    except StoreError:
        os._exit(3)
    except BaseException:
        traceback.print_exc()
        os._exit(70)


def strike(base: Path, mode: str, at: int, code: int) -> tuple[int, list[str]]:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        child(base, mode, at, code, write)
    os.close(write)
    with os.fdopen(read) as lines:
        said = lines.read().split()
    return os.waitpid(pid, 0)[1], said


def inspect(root: Path, said: list[str]) -> list[str]:
    """What is wrong with the run after a strike; then go on with it to the end."""
    try:
        return examine(root, said)
    except (StoreError, IndexError) as error:
        return [f"after {said}: {type(error).__name__}: {error}"]


def examine(root: Path, said: list[str]) -> list[str]:
    acknowledged = {int(word) for word in said if word.isdigit()}
    try:
        run = Run.open(root / "r", write=True)
    except StoreError as error:
        return [f"cannot be opened: {error}"] if "created" in said else []
    with run:
        wrong = [f"verify: {line}" for line in run.verify()]
        stored = [a.sequence for a in run.attempts()]
        if len(set(stored)) != len(stored):
            wrong.append(f"doubled: {stored}")
        if not acknowledged <= set(stored):
            wrong.append(f"lost: acknowledged {acknowledged}, stored {stored}")
        if len(set(stored) - acknowledged) > 1:
            wrong.append(f"more than one unacknowledged: {stored}")
        for attempt in run.attempts():
            if not np.array_equal(run.read_audio(attempt)[0], sound(attempt.sequence)):
                wrong.append(f"sound of {attempt.sequence} changed")
        if "created" in said and not wrong:
            session = run.sessions()[0].id
            for number in sorted(set(range(CHUNKS)) - set(stored)):
                speak(run, session, number, lambda _: None)
            run.finish("finished")
            if sorted(a.sequence for a in run.attempts()) != list(range(CHUNKS)) or run.verify():
                wrong.append(f"resumed, but not whole: {run.verify()}")
    return wrong


def sweep(base: Path, mode: str, code: int) -> dict[str, object]:
    """Strike every call in turn until one run ends without being struck."""
    wrong: list[str] = []
    refused = unnoticed = 0
    for at in range(1, 2000):
        root = base / "reports"
        shutil.rmtree(root, ignore_errors=True)
        status, said = strike(root, mode, at, code)
        if "clean" in said:
            break
        if (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL) or os.WEXITSTATUS(status) == 3:
            refused += 1
        elif os.WEXITSTATUS(status) == 0 and "struck" in said and len(said) == CHUNKS + 2:
            unnoticed += 1  # e.g. a checkpoint that is tried again later; allowed while nothing is lost
        else:
            wrong.append(f"{mode} at {at}: status {status}, said {said}")
        wrong += [f"{mode} at {at}: {line}" for line in inspect(root, said)]
    return {"mode": mode, "calls": at - 1, "refused": refused, "unnoticed": unnoticed, "wrong": wrong}


def power_cuts(base: Path, count: int) -> dict[str, object]:
    """One traced run, then states of the medium that a power cut could leave, at every call."""
    root = base / "reports"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    log = base / "calls.log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    shim.shim_arm(str(root).encode(), 1, ctypes.c_long(0), 0, descriptor)
    work(root, lambda what: shim.shim_note(ctypes.c_int64(-1 if what == "created" else what)))
    shim.shim_arm(b"", 0, ctypes.c_long(0), 0, -1)
    wrong: list[str] = []
    states = 0
    calls = read_log(log)
    for at, said, files, folders in crash_states(calls, str(root), count, random.Random(7)):
        again = base / "after"
        shutil.rmtree(again, ignore_errors=True)
        for folder in folders:
            (again / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (again / name).write_bytes(content)
        words = ["created" if number < 0 else str(number) for number in said]
        wrong += [f"power cut at {at}: {line}" for line in inspect(again, words)]
        states += 1
    return {"mode": "power", "calls": len(calls), "states": states, "wrong": wrong}


if __name__ == "__main__":
    place = Path(sys.argv[2])
    if sys.argv[3] == "power":
        print(json.dumps(power_cuts(place, int(sys.argv[4]))))
    else:
        print(json.dumps(sweep(place, sys.argv[3], getattr(errno, sys.argv[4]))))
