"""CPU milliseconds of the scorers for ten seconds of audio: 33 is 300 times real time, 200 is 50 times.

Run with ``pytest suites/speed/test_scoring.py --benchmark-columns=min,median,rounds``. Process time is taken, so that
other programs on the machine count little; ``--benchmark-json`` also keeps the multiple of real time.
"""

import time

import numpy as np
import pytest

from harness.core.records import Attempt, Chunk, TokenLayout, Variant
from harness.engine.scoring import ScoreJob
from harness.engine.scoring.process import ScorerSet
from harness.scorers import SCORERS
from harness.scorers.clip import SharedClip
from harness.store.lossless import encode_flac

SECONDS = 10.0
FRAME_SECONDS = 0.02


def voice(rate):
    """Speech-like sound: gliding harmonics in syllables of 0.2 s with short gaps, over faint noise."""
    rng = np.random.default_rng(0)
    times = np.arange(int(SECONDS * rate)) / rate
    phase = np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * times)) / rate
    sound = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 25))
    syllables = np.clip(np.sin(2 * np.pi * 2.5 * times) + 0.6, 0, 1) * (np.sin(2 * np.pi * 0.2 * times) > -0.9)
    return (0.1 * sound * syllables + rng.normal(0, 3e-4, len(times))).astype(np.float32)


def clip(samples, rate):
    codes = np.random.default_rng(1).integers(0, 1024, (round(SECONDS / FRAME_SECONDS), 1)).astype(np.int32)
    attempt = Attempt(session=0, epoch=0, sequence=0, chunk_id="c", variant="v", tokens=codes)
    layout = TokenLayout(codebook_sizes=(1024,), frame_seconds=FRAME_SECONDS, cap=2000)
    return SharedClip(Chunk("c", "text"), attempt, samples, rate, Variant("v", "null"), layout)


@pytest.mark.benchmark(group="scoring ten seconds of audio", timer=time.process_time, min_rounds=15, warmup=True)
@pytest.mark.parametrize("rate", [16000, 24000, 48000])
@pytest.mark.parametrize("names", [("signal", "tokens"), ("signal", "tokens", "pitch")], ids="+".join)
def test_scoring(benchmark, names, rate):
    """Score a fresh clip with the scorers named; nothing is kept from the round before."""
    scorers = [SCORERS.get(name)() for name in names]
    for scorer in scorers:
        scorer.setup()
    samples = voice(rate)

    def score(fresh):
        return [scorer.observe(fresh) for scorer in scorers]

    payloads = benchmark.pedantic(score, setup=lambda: ((clip(samples, rate),), {}), rounds=15, warmup_rounds=2)
    assert payloads[0]["active_fraction"] > 0.3
    benchmark.extra_info["times_real_time"] = round(SECONDS / benchmark.stats.stats.min)


@pytest.mark.benchmark(group="what both rooms want of ten seconds of audio", timer=time.process_time)
@pytest.mark.parametrize("clips", [1, 2], ids=["one clip for both rooms", "a clip a room"])
def test_views(benchmark, tmp_path, clips):
    """Decode a stored sound of 24 kHz, find its speech and resample it: once, as a job does, or once a room."""
    path = tmp_path / "a.flac"
    whole = np.round(voice(24000) * 2**15) / 2**15 + 0.0  # no negative zeros, which FLAC would change
    path.write_bytes(encode_flac(whole.astype(np.float32), 24000))
    job = ScoreJob(clip(None, None).attempt, Chunk("c", "text"), path, Variant("v", "null"))

    def look():
        for _ in range(clips):
            opened = ScorerSet({}).opened(job, path).clip
            assert len(opened.speech_copy) == SECONDS * 16000 and opened.activity.span is not None

    benchmark.pedantic(look, rounds=30, warmup_rounds=3)
