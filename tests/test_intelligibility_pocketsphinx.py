"""PocketSphinx as the offline recognizer: independent of what came before, of level and of length."""

import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.alignment import align_words
from harness.audio import read_audio
from harness.scorers.asr_pocketsphinx import LONGEST_SEGMENT, PocketSphinx, level, segments
from harness.text import normaliser
from harness.types import Samples

TEXTS = (
    "The train was late again, so the passengers stood on the platform and complained to each other.",
    "I have never liked the sound of the telephone in the middle of the night.",
    "They decided to sell the farm, buy a truck, and drive south until they reached the sea.",
)

flite = pytest.mark.skipif(shutil.which("flite") is None, reason="needs the apt package flite for real speech")


@pytest.fixture(scope="module")
def engine() -> PocketSphinx:
    made = PocketSphinx("fast")
    made.setup()
    return made


@pytest.fixture(scope="module")
def speak(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Samples]:
    folder: Path = tmp_path_factory.mktemp("speech")

    def say(text: str) -> Samples:
        path = folder / "said.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
        return read_audio(path).samples

    return say


@flite
def test_clear_speech_is_mostly_understood_with_times_in_order(engine: PocketSphinx, speak: Callable) -> None:
    normalise = normaliser("whisper-english")
    errors = words = 0
    for text in TEXTS:
        samples = speak(text)
        heard = engine.transcribe(samples)
        counts, _ = align_words(normalise(text), normalise(heard.text))
        errors, words = errors + counts.errors, words + counts.units
        assert all(a.end <= b.start + 1e-6 for a, b in zip(heard.words, heard.words[1:], strict=False))
        assert heard.words[-1].end <= len(samples) / 16_000 + 0.02
        assert all(w.probability is not None and 0 <= w.probability <= 1 for w in heard.words)
    assert errors / words < 0.3


@flite
def test_nothing_leaks_from_clip_to_clip(engine: PocketSphinx, speak: Callable) -> None:
    first, noise = speak(TEXTS[0]), np.random.default_rng(0).normal(0, 0.3, 32_000).astype(np.float32)
    heard = engine.transcribe(first)
    for other in (noise, 0.01 * speak(TEXTS[1]), np.zeros(16_000, np.float32)):
        engine.transcribe(other)
        assert engine.transcribe(first) == heard
    fresh = PocketSphinx("fast")
    assert fresh.transcribe(first) == heard


@flite
def test_level_does_not_change_what_is_heard(engine: PocketSphinx, speak: Callable) -> None:
    samples = speak(TEXTS[2])
    assert engine.transcribe(samples * 0.01).text == engine.transcribe(samples).text


@flite
def test_the_end_of_long_audio_is_heard(engine: PocketSphinx, speak: Callable) -> None:
    once = speak(TEXTS[0])
    pause = np.zeros(8_000, np.float32)
    samples = np.concatenate([once, pause] * 5)
    heard = engine.transcribe(samples)
    assert heard.text.count("train") >= 4
    assert heard.words[-1].end > len(samples) / 16_000 - 1.5


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(20), np.zeros(32_000)], ids=["empty", "tiny", "silence"])
def test_no_sound_gives_no_words(engine: PocketSphinx, samples: np.ndarray) -> None:
    heard = engine.transcribe(samples.astype(np.float32))
    assert heard.text == "" and heard.words == () and heard.avg_logprob is None


@settings(max_examples=40, deadline=None)
@given(seconds=st.floats(0, 100), seed=st.integers(0, 9))
def test_segments_cover_the_audio_without_gaps(seconds: float, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.1, int(seconds * 16_000)).astype(np.float32)
    cut = segments(samples)
    assert cut[0][0] == 0 and cut[-1][1] == len(samples)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(cut))
    assert all(0 <= end - start <= LONGEST_SEGMENT * 16_000 for start, end in cut)


def test_long_audio_is_cut_in_its_pause() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, 16_000 * 20).astype(np.float32)
    samples[16_000 * 10 : 16_000 * 11] *= 1e-3
    assert 10.0 <= segments(samples)[0][1] / 16_000 <= 11.0


def test_level_leaves_silence_alone_and_never_clips() -> None:
    assert np.array_equal(level(np.zeros(1_600, np.float32)), np.zeros(1_600, np.float32))
    spiky = np.random.default_rng(0).normal(0, 1e-3, 16_000).astype(np.float32)
    spiky[100] = 0.9
    assert np.abs(level(spiky)).max() <= 0.991
