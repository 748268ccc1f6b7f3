"""CPU seconds of the end of a session: 1,147 chunks held against each other, their voices and texts among it.

Run with ``pytest suites/speed/test_this_run.py``. The limit is 2 s at the end of 1,147 chunks and 5 ms a chunk.
"""

import time

import numpy as np
import pytest

from harness.core.records import Attempt, Chunk, DetectorInput, Measurement, Status
from harness.corpora import load_corpus
from harness.detectors import detect_all
from harness.verdicts import Limits, Priors, VerdictPolicy
from harness.verdicts.settled import settle_run

CHUNKS = 1147


def views():
    """Return chunks of the book, as often as needed, with figures as a voice varies them."""
    book, rng = load_corpus("book").chunks, np.random.default_rng(0)
    middle = rng.standard_normal(256)
    chunks = []
    for number in range(CHUNKS):
        chunk = book[number % len(book)]
        words = len(chunk.text.split())
        seconds = float(0.35 * words * np.exp(rng.normal(0, 0.07)))
        f0 = float(180 * np.exp(rng.normal(0, 0.04)))
        embedding = middle + 0.3 * rng.standard_normal(256)
        signal = {
            "duration": seconds, "sample_rate": 24000, "peak_dbfs": -3.0,
            "active_rms_dbfs": float(rng.normal(-22, 0.6)),
            "active_fraction": 0.9, "speech_start": 0.1, "speech_end": seconds - 0.1, "pauses": [], "constant": False,
            "nonfinite_fraction": 0.0, "clipped_fraction": 0.0, "clipped_longest_run": 0, "over_one_fraction": 0.0,
            "rail_jumps": 0, "noise_floor_dbfs": float(rng.normal(-80, 1)),
            "dc_ratio": abs(float(rng.normal(0, 0.002))),
            "envelope_cv": float(rng.normal(1.2, 0.1)), "rolloff99_hz": float(rng.normal(9000, 300)), "flatness": 0.003,
            "periodic": {"ratio": float(rng.uniform(0.01, 0.05)), "period": 5, "seconds": 0.02},
            "longest_pause": {"seconds": float(rng.uniform(0.2, 0.6))}, "spans": {},
            "clicks": {"worst_ratio": float(rng.gamma(9, 0.3))}, "level_step_db": {"value": 3.0, "time": 1.0},
        }  # fmt: skip
        pitch = {
            "f0_median_hz": f0, "f0_p05_hz": 0.8 * f0, "f0_p95_hz": 1.3 * f0, "voiced_seconds": 0.6 * seconds,
            "voiced_fraction": float(rng.normal(0.6, 0.05)), "harmonicity_db": 12.0,
            "periodicity_db_halves": [float(v) for v in rng.normal(12, 1, 2)],
        }  # fmt: skip
        speaker = {"encoder": "e", "embedding": embedding.tolist(), "speech_seconds": seconds, "similarity": None}
        payloads = {"signal": signal, "pitch": pitch, "speaker": speaker}
        measurements = {name: Measurement(name, "1", Status.OK, payload) for name, payload in payloads.items()}
        unique = Chunk(f"{chunk.id}-{number}", chunk.text, position=number)
        chunks.append(DetectorInput(unique, Attempt(0, 0, number, unique.id, "v", id=number + 1), measurements))
    return chunks


@pytest.mark.benchmark(group="the end of a session of 1,147 chunks", timer=time.process_time, min_rounds=3, warmup=True)
def test_settling_a_session(benchmark):
    """Fit the run on itself and judge every chunk anew."""
    given = views()
    evidence = [detect_all(view) for view in given]
    judge, priors = VerdictPolicy(Limits.default()), Priors.shipped()

    def finish():
        settled = settle_run(given, evidence, priors)
        pairs = zip(settled.views, settled.evidence, strict=True)
        return [judge.verdict(view, attempt_view, settled.own.of(view.attempt.id)) for view, attempt_view in pairs]

    verdicts = benchmark.pedantic(finish, rounds=3, warmup_rounds=1)
    assert all(verdict.final for verdict in verdicts)
    benchmark.extra_info["milliseconds_a_chunk"] = round(1000 * benchmark.stats.stats.min / CHUNKS, 2)
