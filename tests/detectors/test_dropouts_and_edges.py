"""Sound that stops while somebody speaks, holes that keep time, seams that keep time."""

import numpy as np
import pytest

from harness.core.records import (
    Attempt,
    Chunk,
    Detection,
    DetectorInput,
    Json,
    Measurement,
    Samples,
    Status,
    Variant,
)
from harness.detectors import get
from harness.scorers.base import observe
from harness.scorers.clip import SharedClip
from harness.scorers.regular import regular
from harness.scorers.signal import SignalScorer

RATE = 24_000
RNG = np.random.default_rng(5)


def voice(seconds: float = 6.0) -> Samples:
    """Harmonics under syllables of uneven length, with silence at both ends."""
    count = int(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(120 + 15 * np.sin(np.arange(count) / RATE * 2.1)) / RATE
    tone = np.sum([np.sin(k * phase) / k**1.5 for k in range(1, 25)], axis=0)
    edges = np.cumsum(RNG.uniform(0.15, 0.33, 60))
    levels = np.interp(np.arange(count) / RATE, edges, RNG.uniform(0.35, 1.0, 60))
    sound = 0.1 * levels * tone
    quiet = int(0.2 * RATE)
    ramp = np.concatenate(
        [np.zeros(quiet), np.linspace(0, 1, quiet), np.ones(count - 4 * quiet), np.linspace(1, 0, quiet)]
    )
    return (sound * np.pad(ramp, (0, quiet)) + 1e-4 * RNG.standard_normal(count)).astype(np.float32)


VOICE = voice()


def seen(fault: str, sound: Samples) -> Detection:
    chunk, attempt = Chunk("c", "some words"), Attempt(0, 0, 0, "c", "v", sample_rate=RATE, duration=len(sound) / RATE)
    clip = SharedClip(chunk, attempt, sound.astype(np.float32), RATE, Variant("v", "null"))
    return get(fault).evidence(DetectorInput(chunk, attempt, {"signal": observe(SignalScorer(), clip)}))


def over(fault: str, sound: Samples) -> bool:
    value, limit = seen(fault, sound).value, get(fault).default_limit
    assert value is not None and limit is not None
    return value > limit


def test_a_healthy_clip_has_none_of_them() -> None:
    for fault in ("truncated-ending", "dropouts"):
        assert not over(fault, VOICE), fault


def test_an_ending_cut_off_in_speech_is_named() -> None:
    cut = VOICE[: int(4.0 * RATE)]
    detection = seen("truncated-ending", cut)
    assert over("truncated-ending", cut)
    assert detection.span is not None and detection.span[1] == pytest.approx(4.0, abs=0.01)


def test_a_noisy_recording_that_ends_in_its_noise_is_not_cut_off() -> None:
    noisy = VOICE + 0.02 * RNG.standard_normal(len(VOICE))
    assert not over("truncated-ending", noisy)


def test_holes_of_20_ms_with_fades_are_found_and_listed() -> None:
    fade, width = int(0.003 * RATE), int(0.02 * RATE)
    shape = np.concatenate([np.linspace(1, 0, fade), np.zeros(width - 2 * fade), np.linspace(0, 1, fade)])
    holed = VOICE.copy()
    for at in range(int(0.5 * RATE), len(holed) - RATE, int(0.25 * RATE)):
        holed[at : at + width] *= shape
    assert over("dropouts", holed)
    assert "every 0.250 s" in seen("dropouts", holed).detail


def test_stretches_taken_out_at_a_regular_distance_are_listed_one_and_all() -> None:
    kept, lost = int(0.8 * RATE), int(0.023 * RATE)
    pieces = [VOICE[at : at + kept] for at in range(0, len(VOICE), kept + lost)]
    detection = seen("click", np.concatenate(pieces))
    assert over("click", np.concatenate(pieces))
    assert "seams every 0.800 s, at 0.80, 1.60, 2.40" in detection.detail


def click_value(clicks: Json, speech_dbfs: float = -20.0) -> float:
    payload = {"clicks": clicks, "active_rms_dbfs": speech_dbfs}
    attempt = Attempt(0, 0, 0, "c", "v", sample_rate=RATE, duration=6.0)
    measurements = {"signal": Measurement("signal", "1", Status.OK, payload)}
    value = get("click").evidence(DetectorInput(Chunk("c", "some words"), attempt, measurements)).value
    assert value is not None
    return value


def test_a_soft_sound_out_of_silence_is_no_click_and_a_loud_step_is() -> None:
    limit = get("click").default_limit
    step = {"count": 1, "worst_ratio": 11.0, "times": [1.0], "seams": None}
    assert limit is not None
    assert click_value({**step, "worst_dbfs": -40.0}) < limit < click_value({**step, "worst_dbfs": -12.0})
    assert click_value({**step, "worst_dbfs": -40.0}, speech_dbfs=-35.0) == pytest.approx(11.0)


@pytest.mark.parametrize(("hits", "places", "sure"), [(5, 102, False), (5, 12, True), (40, 100, True), (3, 4, False)])
def test_seams_that_keep_time_are_met_at_a_third_of_their_places(hits: int, places: int, sure: bool) -> None:
    seams = {"period": 0.1, "hits": hits, "times": [0.1 * place for place in range(places)]}
    value = click_value({"count": 0, "worst_ratio": 3.0, "worst_dbfs": -20.0, "times": [], "seams": seams})
    assert (value > 7.0) is sure


@pytest.mark.parametrize(("hits", "places", "holes"), [(12, 60, 5.0), (7, 30, 5.0), (7, 20, 7.0), (4, 60, 4.0)])
def test_gaps_that_keep_time_at_few_of_their_places_do_so_by_chance(hits: int, places: int, holes: float) -> None:
    comb = {"period": 0.1, "hits": hits, "times": [0.1 * place for place in range(places)]}
    payload = {"holes": {"count": 2 * hits, "regular": comb}}
    attempt = Attempt(0, 0, 0, "c", "v", sample_rate=RATE, duration=9.0)
    measurements = {"signal": Measurement("signal", "1", Status.OK, payload)}
    assert get("dropouts").evidence(DetectorInput(Chunk("c", "some words"), attempt, measurements)).value == holes


def test_a_comb_needs_events_that_keep_time() -> None:
    comb = regular([0.5, 1.0, 1.501, 3.0, 3.2], 0.005, 0.1, 2.0)
    assert comb is not None and comb.hits == 4 and comb.period == pytest.approx(0.5, abs=0.002)
    assert regular([0.1, 0.45, 1.32, 2.77], 0.003, 0.1, 2.0) is None
    assert regular([0.5, 1.0], 0.005, 0.1, 2.0) is None
    strays = [0.333, 1.417, 2.583]  # on a comb three times as fast, which holds all events
    every = regular(sorted([0.25 * place for place in range(12)] + strays), 0.005, 0.08, 2.0)
    assert every is not None and every.period == pytest.approx(0.25, abs=0.002) and every.hits == 12
    whole = regular([1.0, 1.5, 2.0], 0.005, 0.1, 2.0, until=3.0)
    assert whole is not None and [round(at, 2) for at in whole.times] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
