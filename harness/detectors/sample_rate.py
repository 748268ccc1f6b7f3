"""Sample rate: the header says one rate, the samples have another."""

import math
from collections.abc import Sequence

import numpy as np

from harness.core.records import DetectorInput
from harness.core.records.payloads import PitchKey
from harness.detectors._figures import reference_figure
from harness.detectors._inject import audio, give, speech
from harness.detectors.base import (
    BaseFault,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    known,
    required_payload,
)
from harness.text import count_words

PITCHES: tuple[PitchKey, ...] = ("f0_p05_hz", "f0_median_hz", "f0_p95_hz")  # at a wrong rate all of them move
SLACK = 0.15  # healthy takes differ by as much in pace or pitch
LOWEST_PITCH = 60.0  # Hz; the pitch scorer looks no further down
MUCH_SLOWER = -math.log(1.5)  # of the pace; a voice falls out of the scorer's range only so
FEWEST_WORDS = 3  # without a reference on the same text
OF_PITCH = 2 / 3  # of the weight: a voice's pace varies from text to text twice as much as its pitch


def wrong_rate(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Play the samples ``dose`` times as fast, at the rate the header says."""
    x, rate = speech(material)
    places = np.arange(0, len(x) - 1, dose)
    return give(material, np.interp(places, np.arange(len(x)), x), 0.0, len(places) / rate)


def least_shift(shifts: Sequence[float]) -> float:
    """Return the smallest of shifts that go the same way, 0 where they do not: a lively phrase moves only some."""
    if not shifts:
        return 0.0
    if min(shifts) > 0:
        return min(shifts)
    return min(max(shifts), 0.0)


def _pitch_shift(view: DetectorInput, faster: float) -> float:
    """Return ln of how much higher the voice is; of its spectrum, where its pitch would lie below what is looked at."""
    lowest, spectrum = reference_figure(view, PITCHES[0]), reference_figure(view, "rolloff99_hz")
    now = required_payload(view, "signal").get("rolloff99_hz")
    below = lowest is not None and lowest * math.exp(faster) < LOWEST_PITCH
    if faster < MUCH_SLOWER and below and spectrum and now:
        return math.log(now / spectrum)
    return least_shift([shift for key in PITCHES if (shift := _shift(view, key)) is not None])


def agreed_shift(faster: float, higher: float) -> float:
    """Return the shift (ln) that pace and pitch agree on, whatever its direction; negative where they do not."""
    apart = max(0.0, abs(faster - higher) - SLACK)
    if faster * higher <= 0:
        return -min(abs(faster), abs(higher)) - apart
    return OF_PITCH * abs(higher) + (1 - OF_PITCH) * abs(faster) - apart


def _shift(view: DetectorInput, key: PitchKey) -> float | None:
    """ln of a pitch over what is usual for this text, None where either is unknown."""
    now, then = required_payload(view, "pitch").get(key), reference_figure(view, key)
    return None if now is None or then is None else math.log(now / then)


class SampleRate(BaseFault):
    name = "sample-rate"
    title = "chipmunk or giant: played at the wrong rate"
    family = Family.WAVEFORM
    causes = ("the header lies", "resampled once too often or not at all", "mono taken for stereo")
    observes = ("signal", "pitch")
    unit = "ln of the rate that duration and pitch agree on"
    default_limit = 0.12  # a whole tone
    expects = True
    explains = (
        "wrong-speaker",
        "near-empty",
        "overlong",
        "bandwidth",
        "unintelligible",
        "skipped-words",
        "truncation",
        "inserted-words",
        "gibberish-tail",
        "loop",
        "lost-audio",
    )
    sources = (
        Citation(
            "duration ratio r together with pitch ratio 1/r, r of .5, .919, 1.088, 2",
            "https://github.com/dograh-hq/pipecat/issues/59",
        ),
    )
    injectors = (
        *audio("times as fast", (1.05, 1.088, 1.25, 1.5, 2.0), 1.25, wrong_rate),
        *audio("times as fast", (0.5, 0.67, 0.8, 0.919), 0.5, wrong_rate, "slow"),  # 0.5: stereo taken for mono
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        pitch, signal = required_payload(view, "pitch"), required_payload(view, "signal")
        seconds_then = reference_figure(view, "duration")
        if reference_figure(view, "f0_median_hz") is None or seconds_then is None:
            raise NotApplicable("no reference and no 40 chunks to take pitch and duration from")
        if view.reference is None and 0 < count_words(view.chunk.expected_text) < FEWEST_WORDS:
            raise NotApplicable("one or two words: other texts say little of their pace and pitch")
        faster = math.log(seconds_then / max(known(signal.get("duration"), "duration"), 0.01))
        if pitch.get("f0_median_hz") is None and faster >= MUCH_SLOWER:
            raise NotApplicable("no voiced speech")
        higher = _pitch_shift(view, faster)
        return DetectorValue(
            agreed_shift(faster, higher),
            None,
            f"duration 1/{math.exp(faster):.2f}, pitch x{math.exp(higher):.2f} of what is usual",
        )
