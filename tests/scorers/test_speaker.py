"""Speaker similarity: high for one voice, low for another, and no figure at all where there is too little speech."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from harness.audio import read_audio, resample
from harness.core.records import Attempt, Chunk, Samples, Status, Variant
from harness.scorers import observe
from harness.scorers.base import Clip
from harness.scorers.speaker import ENCODER, SpeakerScorer, active_speech, cosine
from tests._places import SHARED

RECORDINGS = SHARED / "speech" / "librispeech"


def mean_embedding(embeddings) -> list[float]:
    mean = np.mean(np.asarray(embeddings, dtype=np.float64), axis=0)
    return [float(x) for x in mean / np.linalg.norm(mean)]


@pytest.fixture(scope="module")
def scorer() -> SpeakerScorer:
    ready = SpeakerScorer()
    ready.setup()
    return ready


@pytest.fixture
def clip() -> Callable[..., Clip]:
    def make(samples: Samples, rate: int = 16_000, **embeddings: object) -> Clip:
        attempt = Attempt(session=0, epoch=0, sequence=0, chunk_id="c", variant="v")
        return Clip(Chunk("c", "x"), attempt, samples, rate, Variant("v", "null"), None, embeddings)

    return make


def buzz(f0: float, formants: tuple[float, ...], seed: int, seconds: float = 4.0, rate: int = 16_000) -> Samples:
    """A voice of sorts: harmonics under moving formants, four syllables a second."""
    generator = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(f0 * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t + generator.uniform(0, 6)))) / rate
    wave = np.zeros_like(t)
    for k in range(1, int(7000 / f0)):
        wave += np.sin(k * phase) * sum(np.exp(-(((k * f0 - f) / 150) ** 2)) for f in formants)
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * t + generator.uniform(0, 6))
    return (0.1 * wave * envelope + 1e-4 * generator.normal(size=t.size)).astype(np.float32)


LOW, HIGH = (95.0, (450.0, 1100.0, 2300.0)), (230.0, (800.0, 1900.0, 3200.0))


def test_payload_names_the_encoder_and_has_no_similarity_without_a_reference(
    scorer: SpeakerScorer, clip: Callable[..., Clip]
) -> None:
    measurement = observe(scorer, clip(buzz(*LOW, seed=1)))
    assert measurement.status is Status.OK
    assert measurement.payload["encoder"] == ENCODER and measurement.payload["similarity"] is None
    assert len(measurement.payload["embedding"]) == 256 and measurement.payload["speech_seconds"] > 3
    json.dumps(measurement.payload, allow_nan=False)


def test_the_same_voice_is_nearer_than_another_at_any_rate_and_level(
    scorer: SpeakerScorer, clip: Callable[..., Clip]
) -> None:
    reference = mean_embedding([scorer.embed(buzz(*LOW, seed=s))[0] for s in (1, 2, 3)])
    given = {ENCODER: reference}
    same = observe(scorer, clip(buzz(*LOW, seed=9), **given)).payload["similarity"]
    quiet = observe(scorer, clip(0.01 * resample(buzz(*LOW, seed=9), 16_000, 24_000), 24_000, **given))
    other = observe(scorer, clip(buzz(*HIGH, seed=9), **given)).payload["similarity"]
    assert same > 0.9 > 0.8 > other
    assert quiet.payload["similarity"] == pytest.approx(same, abs=0.02)


def test_same_samples_give_the_same_embedding_whatever_came_before(scorer: SpeakerScorer) -> None:
    first = scorer.embed(buzz(*LOW, seed=1))[0]
    scorer.embed(buzz(*HIGH, seed=2))
    assert np.array_equal(scorer.embed(buzz(*LOW, seed=1))[0], first)


@pytest.mark.parametrize("seconds", [0.0, 0.004, 0.7])
def test_too_little_speech_is_not_available(scorer: SpeakerScorer, clip: Callable[..., Clip], seconds: float) -> None:
    measurement = observe(
        scorer, clip(np.concatenate([buzz(*LOW, seed=1, seconds=seconds), np.zeros(32_000, np.float32)]))
    )
    assert measurement.status is Status.NOT_AVAILABLE
    assert "of speech" in measurement.reason and measurement.payload == {}


def test_pauses_are_not_counted_as_speech() -> None:
    speech = buzz(*LOW, seed=1, seconds=2.0)
    kept, seconds = active_speech(np.concatenate([speech, np.zeros(16_000 * 5, np.float32), speech]))
    assert 3.0 < seconds <= 4.0
    assert len(kept) / 16_000 < 4.5


def test_cosine_of_a_zero_or_broken_embedding_is_unknown() -> None:
    assert cosine([0.0, 0.0], [1.0, 0.0]) is None
    assert cosine([float("nan"), 1.0], [1.0, 0.0]) is None
    assert cosine([2.0, 0.0], [1.0, 0.0]) == 1.0


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="recordings of people (../shared/speech) are not on this machine")
def test_people_are_told_apart(scorer: SpeakerScorer) -> None:
    voices = {}
    for folder in sorted(RECORDINGS.iterdir()):
        clips = []
        for path in sorted(folder.glob("*.flac"))[:5]:
            audio = read_audio(path)
            samples = resample(audio.samples, audio.sample_rate, 16_000)
            if active_speech(samples)[1] >= 2.0:
                clips.append(scorer.embed(samples)[0])
        voices[folder.name] = clips
    for name, clips in voices.items():
        own = min(cosine(c, mean_embedding([d for d in clips if d is not c])) or 0 for c in clips)
        others = max(cosine(c, mean_embedding(clips)) or 0 for v, cs in voices.items() if v != name for c in cs)
        assert own > others
