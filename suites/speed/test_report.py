"""The report of a whole audiobook: 5 variants x 1,147 chunks, the size of the Maya1 investigation.

    pytest suites/speed/test_report.py --benchmark-columns=min,rounds

The run is written through the store with payloads of the usual size; then its report is rendered and, where Chromium
and playwright are there, opened from disk. ``extra_info`` has CPU seconds of rendering (as the benchmark's time), the
size of the page and of its pictures, and seconds of the browser from the start of loading: the first paint with content
(the first screen is above everything else in the page), until keys work, until all is loaded.
"""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from harness.core.records import (
    Arm,
    Attempt,
    Claim,
    Detection,
    Finding,
    Measurement,
    Outcome,
    Status,
    Verdict,
    VerdictWord,
)
from harness.detectors import catalogue
from harness.report import write
from harness.store import Run
from harness.verdicts import Limits

VARIANTS = ("f16", "q8_0", "q5_k_m", "q4_k_s", "q2_k")
CHUNKS = 1147
FAULTY = (0.02, 0.02, 0.03, 0.05, 0.4)  # share of faulty chunks, by variant
RATE = 24_000
TEXT = "the ferry had been running late since noon and by four nobody expected it to come at all"
WORDS = TEXT.split()
BROWSER = """() => {
  const [went] = performance.getEntriesByType('navigation'), round = (ms) => Math.round(ms) / 1000;
  const paints = performance.getEntriesByType('paint').map((paint) => [paint.name, round(paint.startTime)]);
  return {...Object.fromEntries(paints), interactive: round(went.domInteractive), loaded: round(went.loadEventEnd)};
}"""
CHROMIUM = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def audiobook(tmp_path_factory):
    """Make the run; in memory where the system has a file system there, because it is about reading, not about the
    disk.
    """
    shared = Path("/dev/shm")
    root = shared / f"tts-soak-{os.getpid()}" if shared.is_dir() else tmp_path_factory.mktemp("runs")
    root.mkdir(exist_ok=True)
    yield _write(root)
    shutil.rmtree(root, ignore_errors=True)


def _write(root: Path) -> Path:
    rng = np.random.default_rng(7)
    ids = [f"book-{i:04d}" for i in range(1, CHUNKS + 1)]
    texts = [{"id": key, "text": TEXT, "language": "en", "position": i} for i, key in enumerate(ids)]
    corpus = {
        "name": "audiobook",
        "sha256": "ab" * 32,
        "source": "",
        "chunks": CHUNKS,
        "partial": False,
        "texts": texts,
    }
    manifest = {
        "harness": "0", "suite": "stress", "corpus": corpus, "reference": "f16", "profiles": {}, "margins": {},
        "variants": [{"name": name, "reference": name == "f16"} for name in VARIANTS],
        "limits": dict.fromkeys(VARIANTS, Limits.default().to_json()),
        "provenance": {"code": {"commit": None, "dirty": None}, "python": "", "platform": "", "cpu": {}, "command": []},
    }  # fmt: skip
    with Run.create(root, manifest) as run:
        for name, share in zip(VARIANTS, FAULTY, strict=True):
            session = run.begin_session(name, Arm.SOAK, ids)
            run.begin_epoch(session, "start", {"details": {"model_bytes": 3_000_000_000}})
            for position, chunk_id in enumerate(ids):
                _speak(run, rng, session, name, position, chunk_id, bool(rng.random() < share))
            run.record_claims(
                [Claim("fault-rate", name, "so many are faulty", name == "f16", 0.02, (0.0, 0.1), 0.02, CHUNKS)]
            )
        run.finish("finished")
    return run.path


def _speak(run, rng, session, name, position, chunk_id, bad):
    seconds = 12.0
    clip = rng.normal(0, 0.1, int(RATE * seconds)).astype(np.float32) if bad else np.zeros(RATE, np.float32)
    tokens = rng.integers(0, 4096, (300, 3), dtype=np.int32)
    attempt = run.record_attempt(
        Attempt(
            session, 0, position, chunk_id, name, seed=position, sample_rate=RATE, duration=seconds, tokens=tokens,
            token_count=900, finish_reason="stop", cpu_seconds=1.0, wall_seconds=1.1, rss_bytes=10**9,
            peak_rss_bytes=2 * 10**9, outcome=Outcome.OK,
        ),
        clip,
    )  # fmt: skip
    heard = {
        "engine": "asr", "model": "m", "normaliser": "n", "text": TEXT, "reference": TEXT,
        "hypothesis": TEXT, "wer": {"errors": 1, "words": len(WORDS), "rate": 1 / len(WORDS)},
        "words": [{"word": w, "start": 0.5 * i, "end": 0.5 * i + 0.4, "probability": 0.9} for i, w in enumerate(WORDS)],
        "alignment": [{"op": "equal", "ref": [0, len(WORDS)], "hyp": [0, len(WORDS)]}],
        "cer": {"errors": 1, "characters": 80, "rate": 1 / 80},
    }  # fmt: skip
    signal = {f"figure{i}": float(i) for i in range(25)} | {"loudness_lufs": -20.0 + float(rng.normal())}
    speaker = {"encoder": "e", "embedding": [0.06] * 256, "similarity": 0.95, "speech_seconds": 9.0}
    books = [{"size": 4096, "min": 0, "max": 4095, "unique": 280, "entropy_bits": 8.0, "out_of_range": 0}] * 3
    measurements = {
        "signal": signal,
        "intelligibility": heard,
        "speaker": speaker,
        "tokens": {"count": 900, "codebooks": books},
    }
    evidence = [Detection(fault, 0.1, "", (1.0, 2.0)) for fault in catalogue()]
    finding = Finding(
        "skipped-words", 6.0, 3.0, "voice: fitted on 600 takes", "words", (1.2, 2.2), "four", True, "text"
    )
    verdict = Verdict(VerdictWord.FAULTY, (finding,)) if bad else Verdict(VerdictWord.CLEAN)
    with run.together():
        run.record_observations(
            attempt.id, [Measurement(k, "1", Status.OK, payload) for k, payload in measurements.items()]
        )
        run.record_evidence(attempt.id, evidence)
        run.record_verdict(attempt.id, verdict, "k")


@pytest.mark.benchmark(group="report", timer=time.process_time)
def test_report_of_an_audiobook(benchmark, audiobook):
    """Under 60 s of rendering on 2 cores, at most 15 MB without audio; the first screen in under 2 s."""
    benchmark.pedantic(write, args=(audiobook,), rounds=1, iterations=1, warmup_rounds=0)
    files = [path for path in audiobook.rglob("*") if path.is_file() and "audio" not in path.parts]
    journal = {"journal.sqlite", "manifest.json", "ledger"}
    benchmark.extra_info["page_mb"] = round((audiobook / "report.html").stat().st_size / 1e6, 2)
    benchmark.extra_info["page_and_pictures_mb"] = round(
        sum(
            path.stat().st_size
            for path in files
            if path.name in ("report.html", "summary.json") or path.suffix == ".webp"
        )
        / 1e6,
        2,
    )
    assert journal & {path.name for path in files}
    if CHROMIUM is None:
        return
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto((audiobook / "report.html").as_uri())
        page.keyboard.press("j")
        page.wait_for_selector("#q1.current")
        benchmark.extra_info["browser_s"] = page.evaluate(BROWSER)
        browser.close()
