"""The pitch scorer: known pitch is found, noise is not voiced, harmonicity falls with noise and per half."""

import json

import numpy as np
import pytest

from harness.core.records import Chunk, Status
from harness.detectors.base import InjectionMaterial
from harness.detectors.robotic import lose_phase
from harness.scorers import SCORERS, observe
from tests._clips import make_clip, speak


def pitch(samples, rate=24000):
    measurement = observe(SCORERS.get("pitch")(), make_clip(samples, rate))
    assert measurement.status is Status.OK, measurement.reason
    json.dumps(measurement.payload, allow_nan=False)
    return measurement.payload


def buzz(f0, seconds=1.5, rate=24000):
    """A sum of harmonics, as a perfectly steady voice."""
    times = np.arange(int(seconds * rate)) / rate
    return sum(np.sin(2 * np.pi * f0 * k * times) / k for k in range(1, int(3500 / f0))) * 0.2


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 48000])
@pytest.mark.parametrize("f0", [90, 180, 300])
def test_a_known_pitch_is_found_at_every_rate(f0, rate):
    payload = pitch(buzz(f0, rate=rate), rate)
    assert payload["f0_median_hz"] == pytest.approx(f0, rel=0.02)
    assert payload["voiced_fraction"] > 0.9
    assert payload["harmonicity_db"] > 20


@pytest.mark.parametrize("second_of", [1.0, 0.5])
def test_a_voice_without_its_fundamental_is_voiced_and_as_low_as_it_is(second_of):
    times = np.arange(2 * 24000) / 24000
    phase = 2 * np.pi * np.cumsum(95 + 8 * np.sin(3 * times)) / 24000
    heard = pitch(sum((1.0 if k % 2 == 0 else second_of) * np.sin(k * phase) / k for k in range(2, 25)) * 0.1)
    assert heard["f0_median_hz"] == pytest.approx(95, rel=0.03)
    assert heard["voiced_fraction"] > 0.9


def test_a_wrong_sampling_rate_moves_the_pitch_by_its_ratio():
    voice = speak(24000, words=8)
    right, wrong = pitch(voice, 24000), pitch(voice, 22050)
    assert wrong["f0_median_hz"] / right["f0_median_hz"] == pytest.approx(22050 / 24000, rel=0.03)


@pytest.mark.parametrize("snr_db", [20, 10])
def test_harmonicity_is_the_ratio_of_harmonics_to_noise(snr_db):
    sound = buzz(150)
    noise = np.random.default_rng(0).normal(0, 1, len(sound))
    from scipy.signal import butter, sosfiltfilt

    noise = sosfiltfilt(butter(4, 7500, fs=24000, output="sos"), noise)
    noise *= np.sqrt(np.mean(sound**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    assert pitch(sound + noise)["harmonicity_db"] == pytest.approx(snr_db, abs=2.5)


def test_a_second_half_without_harmonics_shows_in_its_half_only():
    voice = speak(24000, words=10)
    noise = np.random.default_rng(0).normal(0, 0.03, len(voice))
    noise[: len(voice) // 2] = 0
    first, second = pitch(voice + noise)["harmonicity_db_halves"]
    clean_first, clean_second = pitch(voice)["harmonicity_db_halves"]
    assert first == pytest.approx(clean_first, abs=1)
    assert second is None or second < clean_second - 2


def test_what_has_become_rough_does_not_drop_out_of_the_periodicity():
    voice = speak(24000, words=10)
    rough = lose_phase(InjectionMaterial(Chunk("c", "t"), voice, 24000), 4.0, np.random.default_rng(0)).samples
    clean, (first, second) = pitch(voice)["periodicity_db_halves"], pitch(rough)["periodicity_db_halves"]
    assert first == pytest.approx(clean[0], abs=1)
    assert second < clean[1] - 6, "also where the pitch tracker finds nothing voiced any more"


def test_too_little_sound_has_no_periodicity():
    assert pitch(buzz(180, seconds=0.1))["periodicity_db_halves"] == [None, None]


def test_noise_has_no_voice():
    payload = pitch(np.random.default_rng(0).normal(0, 0.1, 48000))
    assert payload["voiced_fraction"] < 0.02
    assert payload["f0_median_hz"] is None
    assert payload["harmonicity_db_halves"] == [None, None]
    assert max(payload["periodicity_db_halves"]) < 0


@pytest.mark.parametrize(
    "samples",
    [np.zeros(24000), [0.5], np.full(24000, np.nan), np.full(24000, 0.3), speak()[3000:5400], np.full(3000, 3e38)],
    ids=["silence", "one sample", "nan", "offset", "100 ms", "huge"],
)
@pytest.mark.parametrize("rate", [8000, 48000])
def test_odd_clips_have_all_the_keys(samples, rate):
    assert pitch(samples, rate).keys() == pitch(speak()).keys()


def test_silence_has_no_pitch_and_no_seconds_of_voice():
    payload = pitch(np.zeros(24000))
    assert (payload["f0_median_hz"], payload["voiced_fraction"], payload["voiced_seconds"]) == (None, None, 0)
