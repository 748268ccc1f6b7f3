"""SIGKILL at random moments of a run, each followed by --resume: nothing acknowledged is lost, doubled or changed.

Eight kills by default; TTS_SOAK_KILLS=50 does the number that the README states.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.core.records import Arm
from harness.store import Run, latest
from tests._places import ROOT

KILLS = int(os.environ.get("TTS_SOAK_KILLS", "8"))
CHUNKS = 6 * KILLS


def command(folder: Path, resume: bool) -> list[str]:
    return [
        *(sys.executable, "-m", "pytest", "suites/stress", "-q", "-p", "no:cacheprovider"),
        *("--variants", str(folder / "variants.toml"), "--reports", str(folder / "reports")),
        *("--corpus", f"generated:seed=3,chunks={CHUNKS}", "--scorers", "none", "--quiet-chunks", "0"),
        *(["--resume"] if resume else []),
    ]


def declare(folder: Path) -> None:
    folder.mkdir()
    (folder / "variants.toml").write_text(
        "[variants.n]\nadapter = 'null'\n[variants.n.settings]\nseconds_per_word = 0.02\ndelay = 0.03\ntokens = true\n"
        "fail = [{ kind = 'crash', chunks = ['generated-3-00003'] }]\n"
    )


def contents(path: Path) -> list[tuple[object, ...]]:
    """All that a run holds but timings, memory, process ids and epochs."""
    with Run.open(path) as run:
        assert run.verify() == []
        arms = {row.id: (row.variant, row.arm, row.chunk_ids) for row in run.sessions()}
        verdicts = run.verdicts()
        return [
            (
                *arms[a.session],
                *(a.sequence, a.chunk_id, a.arm, a.take, a.seed, a.outcome, a.audio_sha256, a.token_count),
                a.tokens.tobytes() if a.tokens is not None else None,
                verdicts[a.id],
            )
            for a in run.attempts()
        ]


def wait_for_run(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the journal is there: a kill before that leaves nothing that could be resumed."""
    while process.poll() is None and not list((folder / "reports").glob("*/journal.sqlite")):
        time.sleep(0.02)


def test_killed_and_resumed_runs_equal_an_unbroken_one(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    declare(whole)
    declare(broken)
    subprocess.run(command(whole, False), cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    expected = contents(latest(whole / "reports"))
    assert len([row for row in expected if row[5] == Arm.SOAK]) == CHUNKS

    rng = random.Random(11)
    kills, acknowledged = 0, set()
    while kills < KILLS:
        process = subprocess.Popen(
            command(broken, kills > 0), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_run(broken, process)
        time.sleep(rng.uniform(0.2, 1.9))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        with Run.open(latest(broken / "reports")) as run:
            now = {(a.session, a.chunk_id, a.arm, a.take, a.audio_sha256) for a in run.attempts()}
        assert acknowledged <= now
        acknowledged = now
    subprocess.run(command(broken, True), cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    assert contents(latest(broken / "reports")) == expected
