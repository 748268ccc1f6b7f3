"""DNSMOS: ranks clean above noisy, stays on its scale, and is an extra that may be missing."""

import json
import sys
from collections.abc import Callable

import numpy as np
import pytest

from harness.core.errors import MissingExtra
from harness.core.records import Attempt, Chunk, Samples, Status, Variant
from harness.scorers import observe
from harness.scorers.base import Clip
from harness.scorers.dnsmos import DnsmosScorer


@pytest.fixture
def clip() -> Callable[[Samples], Clip]:
    def make(samples: Samples) -> Clip:
        attempt = Attempt(session=0, epoch=0, sequence=0, chunk_id="c", variant="v")
        return Clip(Chunk("c", "x"), attempt, samples, 16_000, Variant("v", "null"))

    return make


@pytest.fixture(scope="module")
def scorer() -> DnsmosScorer:
    pytest.importorskip("speechmos", reason="the optional extra 'mos' is not installed")
    predictor = DnsmosScorer()
    predictor.setup()
    return predictor


def syllables(seconds: float) -> Samples:
    t = np.arange(int(seconds * 16_000)) / 16_000
    wave = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
    return (0.08 * wave * (np.sin(2 * np.pi * 2 * t) > 0)).astype(np.float32)


def test_noise_lowers_the_rating(scorer: DnsmosScorer, clip: Callable[[Samples], Clip]) -> None:
    clean = syllables(10)
    noise = np.random.default_rng(1).normal(0, 0.1, clean.size).astype(np.float32)
    good, bad = observe(scorer, clip(clean)), observe(scorer, clip(clean + noise))
    assert good.status is bad.status is Status.OK
    assert set(good.payload) == {"overall", "signal", "background", "p808"}
    assert all(0.5 < value < 5.0 for value in good.payload.values())
    assert good.payload["background"] > bad.payload["background"] + 0.5
    json.dumps(good.payload, allow_nan=False)


def test_samples_beyond_one_are_rated_not_refused(scorer: DnsmosScorer, clip: Callable[[Samples], Clip]) -> None:
    measurement = observe(scorer, clip(syllables(2) * 20))
    assert measurement.status is Status.OK, measurement.reason


def test_hardly_any_audio_is_not_available(scorer: DnsmosScorer, clip: Callable[[Samples], Clip]) -> None:
    assert observe(scorer, clip(syllables(0.1))).status is Status.NOT_AVAILABLE


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "speechmos", None)
    with pytest.raises(MissingExtra, match=r"tts-soak\[mos\]"):
        DnsmosScorer()
