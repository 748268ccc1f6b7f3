"""SIGKILL at random moments and full disks: nothing acknowledged is lost, doubled or changed.

``python -m tools.kills --kills 200 --fillings 30 --out DIR`` runs the stress suite on the null backend with a scoring
process. Of kills, pytest, the worker, its guardian and the scoring process are struck at random; each killed pytest is
followed by ``--resume``. A filling is a run on a file system of random size (Linux, root: a tmpfs), from too small for
the run's own directory to too small for its report; then the file system grows and the run is resumed. One JSON line a
kill or filling is kept as it comes, and the same command goes on where it was interrupted; the last line printed sums
up, and the exit code is 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from harness.core.errors import StoreError
from harness.store import Run, latest
from harness.store.ledger import Ledger
from tools.rows import append_row, read_rows

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("pytest", "worker", "guardian", "scoring")
_STRIKES = 4  # kills of one pytest process, itself the last
_RUN_SECONDS = 240.0  # a run that takes longer is a hang
_CLEAN = "belongs to no attempt"  # a sound whose row was cut off: moved aside by the next writer


def declare(folder: Path) -> None:
    """Write the variant that is soaked."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "variants.toml").write_text(
        "[variants.n]\nadapter = 'null'\n[variants.n.settings]\nseconds_per_word = 0.02\ndelay = 0.03\ntokens = true\n"
    )


def command(folder: Path, chunks: int, *, resume: bool, scorers: str = "signal") -> list[str]:
    """Return the command of one run, or of going on with the last."""
    return [
        *(sys.executable, "-m", "pytest", "suites/stress", "-q", "-p", "no:cacheprovider", "--no-confirm"),
        *("--variants", str(folder / "variants.toml"), "--reports", str(folder / "reports")),
        *("--corpus", f"generated:seed=3,chunks={chunks}", "--scorers", scorers, "--quiet-chunks", "0"),
        *(["--resume"] if resume else []),
    ]


def victims(pid: int) -> dict[str, psutil.Process]:
    """Return the living processes of a run by role, below its pytest."""
    problems: dict[str, psutil.Process] = {}
    try:
        parent = psutil.Process(pid)
        problems["pytest"] = parent
        for child in parent.children(recursive=True):
            words = " ".join(child.cmdline())
            if "guardian.py" in words:
                problems["guardian" if child.ppid() == pid else "worker"] = child
            elif "harness.engine.scoring.process" in words:
                problems["scoring"] = child
    except psutil.Error:
        pass
    return problems


def acknowledged(run: Path) -> set[tuple[int, str]]:
    """Return id and checksum of every attempt that was ever acknowledged."""
    return set(Ledger(run).read()[0])


def flaws(run: Path, before: set[tuple[int, str]], *, finished: bool = False) -> list[str]:
    """Return what is wrong with a run that was cut off: lost, doubled, changed."""
    try:
        with Run.open(run) as opened:
            lines = [line for line in opened.verify() if finished or _CLEAN not in line]
            keys = Counter((a.session, a.chunk_id, a.arm, a.take) for a in opened.attempts())
    except StoreError as error:
        return [str(error)]
    lines += [f"{key} is there {count} times" for key, count in keys.items() if count > 1]
    if not before <= acknowledged(run):
        lines.append("the list of acknowledged attempts was shortened")
    return lines


def kill_campaign(folder: Path, kills: int, seed: int, done: int = 0) -> Iterator[dict[str, Any]]:
    """Kill and resume, after ``done`` earlier kills; yields one row a kill, then one for the end of the run."""
    declare(folder)
    rng, chunks = random.Random(seed + done), max(60, 12 * kills)
    resume = bool(list((folder / "reports").glob("2*")))
    before = acknowledged(latest(folder / "reports")) if resume else set()
    while done < kills:
        process = subprocess.Popen(
            command(folder, chunks, resume=resume),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _await_worker(folder, process)
        strikes = min(_STRIKES, kills - done)
        for strike in range(strikes):
            _await_speech(folder)
            time.sleep(rng.uniform(0.0, 1.2))
            last = strike == strikes - 1
            role = "pytest" if last else rng.choice(ROLES[1:])
            target = victims(process.pid).get(role)
            if target is None:
                role, target = "pytest", victims(process.pid).get("pytest")
            if target is not None:
                target.send_signal(signal.SIGKILL)
            done += 1
            row: dict[str, Any] = {"kill": done, "role": role}
            if role == "pytest":
                process.wait()
                resume = bool(list((folder / "reports").glob("2*")))
                if resume:
                    row["flaws"] = flaws(latest(folder / "reports"), before)
                    before = acknowledged(latest(folder / "reports"))
                    row["acknowledged"] = len(before)
                yield row
                break
            yield row
    yield _finish(folder, chunks, before)


def _await_worker(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until there is something to strike at: a kill before that leaves nothing that could be resumed."""
    end = time.monotonic() + _RUN_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if list((folder / "reports").glob("2*/journal.sqlite")) and "worker" in victims(process.pid):
            return
        time.sleep(0.05)


def _await_speech(folder: Path, patience: float = 30.0) -> None:
    """Until an attempt more is acknowledged: a kill before the first chunk strikes at nothing."""
    runs = [path.parent for path in (folder / "reports").glob("2*/manifest.json")]
    if not runs:
        return
    before, end = len(acknowledged(runs[0])), time.monotonic() + patience
    while len(acknowledged(runs[0])) == before and time.monotonic() < end:
        time.sleep(0.02)


def _finish(folder: Path, chunks: int, before: set[tuple[int, str]], scorers: str = "signal") -> dict[str, Any]:
    """Resume until the run ends by itself, and look whether everything is there."""
    asked = command(folder, chunks, resume=True, scorers=scorers)
    try:
        ended = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_RUN_SECONDS * 4)
    except subprocess.TimeoutExpired:
        return {"end": "hang", "flaws": ["the resumed run did not end"]}
    run = latest(folder / "reports")
    wrong = flaws(run, before, finished=True) + _tracebacks(ended.stdout + ended.stderr)
    with Run.open(run) as opened:
        spoken = len({a.chunk_id for a in opened.attempts(arm="soak")})
    if spoken != chunks:
        wrong.append(f"{spoken} of {chunks} chunks were spoken")
    return {"end": ended.returncode, "chunks": spoken, "flaws": wrong}


def _tracebacks(text: str) -> list[str]:
    return [f"{word} was printed" for word in ("Traceback", "INTERNALERROR") if word in text]


def filling(folder: Path, size: int) -> dict[str, Any]:
    """Run on a file system of ``size`` bytes until it is full, let it grow, and resume."""
    declare(folder)
    reports, chunks = folder / "reports", 20
    reports.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(reports)], check=True)
    try:
        asked = command(folder, chunks, resume=False, scorers="none")
        ended = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_RUN_SECONDS)
        wrong = _tracebacks(ended.stdout + ended.stderr)
        runs = list(reports.glob("2*/manifest.json"))
        before = acknowledged(runs[0].parent) if runs else set()
        row: dict[str, Any] = {"size": size, "code": ended.returncode, "acknowledged": len(before)}
        subprocess.run(["mount", "-o", "remount,size=256m", str(reports)], check=True)
        if runs:
            wrong += _finish(folder, chunks, before, scorers="none")["flaws"]
        return {**row, "flaws": wrong}
    except subprocess.TimeoutExpired:
        return {"size": size, "code": None, "flaws": ["the run did not end"]}
    finally:
        subprocess.run(["umount", "-l", str(reports)], check=False)


def main() -> None:
    """Carry out what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--fillings", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder of the record and of the runs")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    path, sizes = asked.out / "kills.jsonl", random.Random(asked.seed)
    rows = read_rows(path)
    filled = sum("size" in row for row in rows)
    struck = sum("kill" in row for row in rows)
    for number in range(asked.fillings):
        size = int(2 ** sizes.uniform(17.5, 22.5))
        if number >= filled:
            append_row(path, filling(asked.out / f"filling-{number}", size))
    if asked.kills and not any("end" in row for row in rows):
        for row in kill_campaign(asked.out / "kills", asked.kills, asked.seed, struck):
            append_row(path, row)
    rows = read_rows(path)
    print(summary(rows))
    sys.exit(1 if any(row.get("flaws") for row in rows) else 0)


def summary(rows: list[dict[str, Any]]) -> str:
    """Return the counts in one line."""
    roles = Counter(row["role"] for row in rows if "role" in row)
    fillings = [row for row in rows if "size" in row]
    codes = Counter(row["code"] for row in fillings)
    wrong = [flaw for row in rows for flaw in row.get("flaws", ())]
    struck = ", ".join(f"{count} {role}" for role, count in sorted(roles.items()))
    ended = ", ".join(f"{count} with code {code}" for code, count in sorted(codes.items(), key=str))
    return f"{sum(roles.values())} kills ({struck}); {len(fillings)} fillings ({ended}); {len(wrong)} flaws {wrong[:5]}"


if __name__ == "__main__":
    main()
