"""The signal scorer: damage shows in the figure that is named after it, and odd clips give None, not exceptions."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.core.records import Status
from harness.scorers import SCORERS, observe
from harness.scorers.activity import find_activity, frame_energy, true_stretches
from tests._clips import make_clip, speak

RATE = 24000


def signal(samples, rate=RATE):
    measurement = observe(SCORERS.get("signal")(), make_clip(samples, rate))
    assert measurement.status is Status.OK, measurement.reason
    json.dumps(measurement.payload, allow_nan=False)
    return measurement.payload


@pytest.fixture(scope="module")
def voice():
    return speak(RATE)


@pytest.fixture(scope="module")
def healthy(voice):
    return signal(voice)


def keys(value):
    """All keys of a payload, nested ones included; spans may differ."""
    return {
        (name, tuple(sorted(inner)) if isinstance(inner, dict) and name != "spans" else ())
        for name, inner in value.items()
    }


def test_healthy_speech_shows_no_damage(healthy):
    assert healthy["nonfinite_fraction"] == healthy["clipped_fraction"] == healthy["over_one_fraction"] == 0
    assert healthy["rail_jumps"] == healthy["clipped_longest_run"] == 0
    assert healthy["constant"] is False
    assert healthy["spans"] == {}
    assert healthy["periodic"]["ratio"] > 1e-3
    assert healthy["dc_ratio"] < 0.1
    assert healthy["envelope_cv"] > 0.4
    assert 0.5 < healthy["active_fraction"] < 1
    assert healthy["noise_floor_dbfs"] == pytest.approx(-80, abs=2)


def test_levels_follow_a_known_gain(voice, healthy):
    quieter = signal(voice * 0.1)
    for name in ("peak_dbfs", "rms_dbfs", "active_rms_dbfs", "loudness_lufs"):
        assert quieter[name] == pytest.approx(healthy[name] - 20, abs=0.3), name
    for name in ("envelope_cv", "flatness", "centroid_hz", "rolloff99_hz", "dc_ratio"):
        assert quieter[name] == pytest.approx(healthy[name], rel=0.05), name


def test_a_full_scale_sine_has_the_levels_of_the_standards():
    sine = np.sin(2 * np.pi * 997 * np.arange(48000 * 3) / 48000)
    payload = signal(sine, 48000)
    assert payload["peak_dbfs"] == pytest.approx(0, abs=0.01)
    assert payload["rms_dbfs"] == pytest.approx(-3.01, abs=0.01)
    assert payload["loudness_lufs"] == pytest.approx(-3.01, abs=0.1)  # BS.1770-4
    assert payload["centroid_hz"] == pytest.approx(997, abs=15)
    assert payload["flatness"] < 1e-7


def test_speech_and_pauses_are_where_they_were_put(voice):
    gap = int(1.2 * RATE)
    middle = int(0.5 * RATE)
    payload = signal(np.concatenate([voice[:middle], np.zeros(gap), voice[middle:]]))
    start, end = payload["longest_pause"]["span"]
    assert payload["longest_pause"]["seconds"] == pytest.approx(1.2, abs=0.05)
    assert start == pytest.approx(middle / RATE, abs=0.1)
    assert [start, end] in payload["pauses"]
    assert payload["longest_pause"]["ratio"] > 1.5
    assert payload["speech_start"] == pytest.approx(0.1, abs=0.05)
    assert payload["speech_end"] == pytest.approx(payload["duration"] - 0.16, abs=0.08)


@pytest.mark.parametrize("period", [2, 4, 7, 16])
@pytest.mark.parametrize("seconds", [0.03, 0.2])
def test_a_short_repeat_is_found_with_its_period_and_place(voice, period, seconds):
    broken, start = voice.copy(), int(0.35 * RATE)
    count = int(seconds * RATE)
    start = int(np.argmax(np.abs(voice)))
    broken[start : start + count] = np.tile(voice[start : start + period], count // period + 1)[:count]
    periodic = signal(broken)["periodic"]
    assert periodic["ratio"] < 1e-6
    assert periodic["period"] % period == 0
    assert periodic["span"][0] == pytest.approx(start / RATE, abs=0.02)
    assert periodic["seconds"] == pytest.approx(seconds, abs=0.03)


@pytest.mark.parametrize("period", [40, 300, 512])
def test_a_longer_repeat_is_told_from_the_pitch_of_a_voice(voice, healthy, period):
    start, count = int(np.argmax(np.abs(voice))), int(0.25 * RATE)
    broken = voice.copy()
    broken[start : start + count] = np.tile(voice[start : start + period], count // period + 1)[:count]
    periodic = signal(broken)["periodic"]
    assert periodic["ratio"] < 1e-6 < 1e-3 < healthy["periodic"]["ratio"]
    assert periodic["period"] % period == 0
    assert periodic["seconds"] == pytest.approx(0.25, abs=0.05)


def test_a_repeat_survives_16_bit_rounding(voice):
    pattern = np.tile(voice[20000:20004], len(voice) // 4)
    rounded = np.round((pattern + np.random.default_rng(0).uniform(-1, 1, len(pattern)) / 65536) * 32767) / 32767
    assert signal(rounded)["periodic"]["ratio"] < 1e-3


def test_smooth_sound_at_a_high_rate_is_no_repeat():
    from harness.audio import resample

    assert signal(resample(speak(8000), 8000, 48000), 48000)["periodic"]["ratio"] > 1e-3


def test_noise_is_told_from_speech(voice, healthy):
    noise = np.random.default_rng(0).normal(0, 0.1, len(voice))
    payload = signal(noise)
    assert payload["envelope_cv"] < 0.1
    assert payload["flatness"] > 0.4 > 10 * healthy["flatness"]
    assert payload["active_fraction"] == 1
    assert payload["noise_floor_dbfs"] is None


def test_clipping_is_found_also_when_it_was_turned_down_afterwards(voice):
    clipped = np.clip(voice * 4, -1, 1)
    for damaged in (clipped, clipped * 0.5):
        payload = signal(damaged)
        assert payload["clipped_fraction"] > 0.005
        assert payload["clipped_longest_run"] >= 3
        assert 0 <= payload["spans"]["clipping"][0] < payload["spans"]["clipping"][1] <= payload["duration"]


def test_samples_beyond_full_scale_and_jumps_between_the_rails_are_counted(voice):
    assert signal(voice * 4)["over_one_fraction"] > 0.001
    assert signal(np.sign(voice))["rail_jumps"] > 100


def test_non_finite_samples_are_counted_and_located_and_spoil_nothing_else(voice, healthy):
    broken = voice.copy()
    at = int(0.5 * RATE)
    broken[at : at + 24], broken[at + 100] = np.nan, np.inf
    payload = signal(broken)
    assert payload["nonfinite_fraction"] == pytest.approx(25 / len(voice), rel=1e-3)
    assert payload["spans"]["nonfinite"] == pytest.approx([at / RATE, (at + 101) / RATE], abs=1e-4)
    for name in ("rms_dbfs", "active_rms_dbfs", "loudness_lufs", "envelope_cv", "centroid_hz"):
        assert payload[name] == pytest.approx(healthy[name], rel=0.03), name
    assert payload["clicks"]["count"] == healthy["clicks"]["count"]


def test_an_offset_and_a_flat_line_are_measured(voice):
    payload = signal(voice + 0.05)
    assert payload["dc_offset"] == pytest.approx(0.05, abs=0.005)
    assert payload["dc_ratio"] > 0.3
    flat = voice.copy()
    flat[RATE // 2 : RATE] = 0.1
    assert signal(flat)["spans"]["constant"] == pytest.approx([0.5, 1.0], abs=0.01)
    assert signal(flat)["constant"] is False


@pytest.mark.parametrize("size", [0.01, -0.3])
def test_a_wrong_sample_is_a_click_at_its_time(voice, healthy, size):
    broken = voice.copy()
    at = int(np.mean(healthy["pauses"][0]) * RATE)
    broken[at] += size
    clicks = signal(broken)["clicks"]
    assert clicks["count"] == healthy["clicks"]["count"] + 1
    assert any(abs(time - at / RATE) < 0.001 for time in clicks["times"])
    assert clicks["worst_ratio"] > 4


def test_a_wrong_sample_is_heard_within_loud_speech(voice, healthy):
    """In the middle of a vowel its step is no larger than the voice's own, and it still stands out above 4 kHz."""
    at = int(np.abs(voice).argmax()) + 5
    broken = voice.copy()
    broken[at] -= 0.1 * np.sign(voice[at])
    steps = np.abs(np.diff(voice[at - RATE // 100 : at + RATE // 100]))
    assert steps.max() > 0.03, "the test must be of loud speech"
    clicks = signal(broken)["clicks"]
    assert clicks["worst_ratio"] > 1.3 * healthy["clicks"]["worst_ratio"]
    assert any(abs(time - at / RATE) < 0.001 for time in clicks["times"])


def test_a_muffled_voice_loses_bandwidth(voice, healthy):
    from scipy.signal import butter, sosfiltfilt

    muffled = sosfiltfilt(butter(8, 2500, fs=RATE, output="sos"), voice)
    assert signal(muffled)["rolloff99_hz"] < 0.6 * healthy["rolloff99_hz"]


def test_a_change_of_level_is_signed_and_timed():
    voice = speak(RATE, words=14)
    middle = len(voice) // 2
    broken = voice.copy()
    broken[middle:] *= 0.1
    step = signal(broken)["level_step_db"]
    assert step["value"] == pytest.approx(-20, abs=4)
    assert step["time"] == pytest.approx(middle / RATE, abs=0.3)
    assert abs(signal(voice)["level_step_db"]["value"]) < 6


def test_a_step_is_measured_where_only_the_vowels_stay_near_the_loud_parts():
    """Vowels of 40 ms, fainter sounds of 60 ms between them: 20 dB quieter, these are 45 dB under the loud vowels."""
    frames = np.where(np.arange(600) % 10 < 4, 0.3, 0.3 * 10 ** (-25 / 20))
    envelope = np.concatenate([np.zeros(50), frames, np.zeros(50)]).repeat(RATE // 100)
    time = np.arange(len(envelope)) / RATE
    sound = envelope * np.sin(2 * np.pi * 200 * time) + 1e-5 * np.random.default_rng(0).standard_normal(len(time))
    assert abs(signal(sound)["level_step_db"]["value"]) < 1
    sound[round(3.5 * RATE) :] *= 0.1
    step = signal(sound)["level_step_db"]
    assert step["value"] == pytest.approx(-20, abs=1)
    assert step["time"] == pytest.approx(3.5, abs=0.05)


def test_a_pause_is_no_step_of_the_level():
    voice = speak(RATE, words=8)
    pause = np.random.default_rng(1).normal(0, 3e-4, 3 * RATE)  # the noise of a room, -70 dBFS
    step = signal(np.concatenate([voice, pause, voice]))["level_step_db"]
    assert abs(step["value"]) < 8


def test_holes_in_a_low_voice_are_met_between_its_pulses():
    time = np.arange(6 * RATE) / RATE
    since = time % (1 / 85)  # a pulse every 11.8 ms that has lost 20 dB when the next one comes
    sound = 0.4 * np.exp(-since * 200) * np.sin(2 * np.pi * 600 * since)
    sound += 1e-5 * np.random.default_rng(0).standard_normal(len(time))
    starts = np.arange(0.31, 5.6, 0.25)
    for at in starts:
        sound[round(at * RATE) : round((at + 0.02) * RATE)] = 0
    comb = signal(sound)["holes"]["regular"]
    assert comb["period"] == pytest.approx(0.25, abs=0.002)
    assert comb["hits"] >= 0.75 * len(starts)


def test_speech_that_is_cut_off_ends_loud(voice, healthy):
    cut = voice[: int(np.argmax(np.abs(voice))) + 50]
    assert signal(cut)["edge_levels_db"][1] > -6 > -20 > healthy["edge_levels_db"][1]


def test_silence_is_known_to_be_silent_and_nothing_more():
    payload = signal(np.zeros(RATE))
    assert (payload["peak_dbfs"], payload["rms_dbfs"], payload["active_fraction"]) == (-120, -120, 0)
    assert payload["constant"] is True
    unknown = (
        "loudness_lufs",
        "active_rms_dbfs",
        "dc_ratio",
        "envelope_cv",
        "flatness",
        "rolloff99_hz",
        "speech_start",
    )
    assert all(payload[name] is None for name in unknown)
    assert (
        payload["periodic"]["ratio"] is payload["longest_pause"]["seconds"] is payload["level_step_db"]["value"] is None
    )


def test_all_nan_gives_the_fraction_and_nothing_else():
    payload = signal(np.full(RATE, np.nan))
    assert payload["nonfinite_fraction"] == 1
    assert payload["spans"]["nonfinite"] == [0.0, 1.0]
    measurable = {"duration", "sample_rate", "nonfinite_fraction", "spans", "pauses", "periodic", "clicks", "holes"}
    measurable |= {"longest_pause", "level_step_db"}
    assert all(value is None for name, value in payload.items() if name not in measurable)
    assert payload["clicks"]["count"] is payload["holes"]["count"] is None


ODD = {
    "one sample": [0.5],
    "two samples": [0.5, -0.5],
    "offset": np.full(RATE, 0.3),
    "100 ms": speak(RATE)[3000:5400],
    "one nan": [np.nan],
    "huge": np.full(5000, 3e38) * np.sign(np.sin(np.arange(5000))),
    "one finite among inf": np.r_[np.full(3000, np.inf), 0.5, np.full(3000, -np.inf)],
    "denormal": np.full(RATE, 1e-42),
    "tone": 0.5 * np.sin(np.arange(RATE) * 0.1),
}


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
@pytest.mark.parametrize("name", list(ODD))
def test_odd_clips_have_all_the_keys(healthy, name, rate):
    assert keys(signal(ODD[name], rate)) == keys(healthy)


@settings(max_examples=60, deadline=None)
@given(
    samples=arrays(
        np.float32,
        st.integers(1, 4000),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
        fill=st.just(0),
    ),
    rate=st.sampled_from([1000, 8000, 22050, 48000]),
)
def test_any_samples_give_a_payload_that_is_json(samples, rate):
    assert signal(samples, rate)["duration"] == pytest.approx(len(samples) / rate, rel=1e-4)


def test_no_audio_is_not_available_rather_than_zero():
    assert observe(SCORERS.get("signal")(), make_clip(None)).status is Status.NOT_AVAILABLE


@given(flags=arrays(np.bool_, st.integers(0, 60)))
def test_runs_rebuild_the_flags(flags):
    rebuilt = np.zeros_like(flags)
    for start, length in zip(*true_stretches(flags), strict=True):
        assert length > 0
        rebuilt[start : start + length] = True
    np.testing.assert_array_equal(rebuilt, flags)


@given(seconds=st.floats(0.001, 0.5), rate=st.sampled_from([8000, 11025, 22050, 44100]))
def test_frame_energy_of_a_constant_is_its_square(seconds, rate):
    energy = frame_energy(np.full(max(1, int(seconds * rate)), 0.5, np.float32), rate)
    np.testing.assert_allclose(energy, 0.25)


def test_activity_is_relative_to_the_clip_and_ignores_clicks(voice):
    loud = find_activity(frame_energy(voice, RATE)).active
    quiet = find_activity(frame_energy(voice * 0.1, RATE)).active
    assert (loud != quiet).mean() < 0.02
    clicked = np.concatenate([voice, np.zeros(RATE, np.float32)])
    clicked[len(voice) + RATE // 2] = 0.5
    span = find_activity(frame_energy(clicked, RATE)).span
    assert span is not None and span[1] < len(voice) / RATE
