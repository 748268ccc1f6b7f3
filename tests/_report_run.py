"""A small finished run, written through the store: two variants, faulty chunks, hostile strings on demand."""

from pathlib import Path

import numpy as np

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
from harness.store import Run
from harness.verdicts import Limits

RATE = 16000
WORDS = [
    "the",
    "ferry",
    "had",
    "been",
    "running",
    "late",
    "since",
    "noon",
    "and",
    "by",
    "four",
    "nobody",
    "expected",
    "it",
    "to",
    "come",
]
PROVENANCE = {
    "code": {"commit": "0123456789abcdef", "dirty": False},
    "python": "3.11",
    "platform": "test",
    "cpu": {"model": "a cpu", "cores": 2, "usable": 2},
    "command": ["pytest", "suites/stress"],
}


def clip(seconds: float, pitch: float) -> np.ndarray:
    """Something with a waveform and a spectrum; float32, mono, at ``RATE``."""
    t = np.arange(int(RATE * seconds)) / RATE
    wave = 0.3 * np.sin(2 * np.pi * pitch * t) * np.abs(np.sin(3 * t)) + 0.02 * np.sin(2 * np.pi * 2500 * t)
    return wave.astype(np.float32)


def heard(words: list[str], delay: float = 0.0) -> dict:
    """An ``intelligibility`` payload of someone who says ``words``: a contiguous part of WORDS is missing."""
    missing = len(WORDS) - len(words)
    cut = next((i for i, w in enumerate(words) if w != WORDS[i]), len(words))
    blocks = [{"op": "equal", "ref": [0, cut], "hyp": [0, cut]}]
    if missing:
        blocks.append({"op": "delete", "ref": [cut, cut + missing], "hyp": [cut, cut]})
        blocks.append({"op": "equal", "ref": [cut + missing, len(WORDS)], "hyp": [cut, len(words)]})
    return {
        "engine": "pocketsphinx",
        "model": "en-us",
        "normaliser": "whisper-english",
        "text": " ".join(words),
        "reference": " ".join(WORDS),
        "hypothesis": " ".join(words),
        "words": [{"word": w, "start": delay + 0.25 * i, "end": delay + 0.25 * i + 0.2} for i, w in enumerate(words)],
        "alignment": blocks,
        "wer": {"errors": missing, "words": len(WORDS), "rate": missing / len(WORDS)},
        "cer": {"errors": missing, "characters": 80, "rate": missing / 80},
    }


def make_run(
    root: Path,
    *,
    chunks: int = 8,
    faulty: tuple[int, ...] = (2, 5),
    text: str | None = None,
    names: tuple[str, str] = ("f16", "q4"),
    chunk_id: str = "book-#",
    stderr: str = "",
    transcript: str | None = None,
    run_id: str | None = None,
    load: float | None = None,
    corpus: str = "book",
    reference_figures: bool = False,
) -> Path:
    """Write the run and return its directory; ``faulty`` are positions at which the second variant fails."""
    ids = [chunk_id.replace("#", f"{i + 1:04d}") for i in range(chunks)]
    texts = [
        {"id": name, "text": text or " ".join(WORDS), "language": "en", "position": i} for i, name in enumerate(ids)
    ]
    limits = Limits.default().to_json()
    manifest = {
        "harness": "0.1.0",
        "suite": "stress",
        "corpus": {
            "name": corpus,
            "sha256": "ab" * 32,
            "source": "x",
            "chunks": chunks,
            "partial": False,
            "texts": texts,
        },
        "variants": [{"name": name, "reference": number == 0} for number, name in enumerate(names)],
        "reference": names[0],
        "limits": dict.fromkeys(names, limits),
        "profiles": {},
        "margins": {},
        "provenance": PROVENANCE,
    }
    if reference_figures:
        frozen = {name: {"errors": 1.0, "words": float(len(WORDS)), "tokens": 200.0} for name in ids}
        totals = {"faulty": 1, "judged": 100}
        manifest |= {"reference": "f16", "reference_figures": {names[1]: {"totals": totals, "chunks": frozen}}}
    with Run.create(root, manifest, run_id) as run:
        if load is not None:
            run.record_event("load", {"stage": "soak", "others_share": load, "cores": 2})
        for number, name in enumerate(names):
            session = run.begin_session(name, Arm.SOAK, ids)
            run.begin_epoch(session, "start", {"details": {"model_bytes": 3_000_000}})
            for position, chunk in enumerate(ids):
                bad = number == 1 and position in faulty
                _speak(run, session, name, position, chunk, bad, stderr, transcript)
            run.record_claims(_claims(name, number, len(faulty), chunks))
        run.finish("finished")
    return run.path


def _speak(run, session, name, position, chunk, bad, stderr, transcript):
    seconds = 4.0 if name != "f16" else 4.4
    attempt = run.record_attempt(
        Attempt(
            session, 0, position, chunk, name, sample_rate=RATE, duration=seconds, token_count=300 + position,
            tokens=np.arange(180, dtype=np.int32).reshape(60, 3), finish_reason="stop", cpu_seconds=0.5,
            wall_seconds=0.6, rss_bytes=100_000_000, peak_rss_bytes=120_000_000, seed=position, stderr_tail=stderr,
            detail=stderr.splitlines()[0] if stderr else "", outcome=Outcome.OK,
            asked_utc=f"2026-11-29T08:00:{position:02d}.000000Z",
        ),
        clip(seconds, 120 + 7 * position + len(name)),
    )  # fmt: skip
    payload = heard(WORDS[:5] + WORDS[9:] if bad else WORDS, 0.0 if name != "f16" else 0.4)
    if transcript is not None:
        count = len(transcript.split())
        whole = [{"op": "equal", "ref": [0, count], "hyp": [0, count]}]
        payload |= {"text": transcript, "hypothesis": transcript, "reference": transcript, "alignment": whole}
    run.record_observations(
        attempt.id,
        [
            Measurement("signal", "1", Status.OK, {"duration": seconds, "loudness_lufs": -20.0 - position / 100}),
            Measurement("tokens", "1", Status.OK, {"count": 300, "tokens_per_second": 75.0, "finish_reason": "stop"}),
            Measurement("speaker", "1", Status.NOT_AVAILABLE, {}, "no encoder"),
            Measurement("intelligibility", "1", Status.OK, payload),
        ],
    )
    run.record_evidence(
        attempt.id, [Detection("skipped-words", 4.0 if bad else 0.0, "words"), Detection("clipping", 0.0)]
    )
    finding = Finding(
        "skipped-words", 4.0 + position, 3.0, "voice: fitted on 600 takes", "words", (1.2, 2.2), stderr or "four words",
        True, "text",
    )  # fmt: skip
    verdict = Verdict(VerdictWord.FAULTY, (finding,)) if bad else Verdict(VerdictWord.CLEAN)
    run.record_verdict(attempt.id, verdict, "k")


def _claims(name, number, faulty, chunks):
    passed = number == 0
    statement = f"{0 if passed else faulty} of {chunks} chunks are faulty"
    return [
        Claim("fault-rate", name, statement, passed, 0.0, (0.0, 0.4), 0.02, chunks, {}),
        Claim("judged-share", name, "all were judged", True, 1.0, None, 0.95, chunks, {}),
    ]
