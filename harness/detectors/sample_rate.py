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
OF_PITCH, OF_PACE, OF_SPECTRUM = 0.05, 0.1, 0.07  # ln; how much each varies from text to text in most healthy voices
APART = 0.7  # of what they lie apart is taken off what they agree on
MEASURED = 0.02  # ln; on one text pace and pitch of a wrong rate lie as far apart as they are measured exactly
SLACK = 0.2  # ln; pace and pitch that lie further apart than that are no one shift
NO_SHIFT = 0.04  # ln; healthy chunks differ by as much
LOWEST_PITCH = 60.0  # Hz; the pitch scorer looks no further down
MUCH_SLOWER = -math.log(1.5)  # of the pace; a voice falls out of the scorer's range only so
FEWEST_WORDS = 3  # without a reference on the same text


def wrong_rate(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Play the samples ``dose`` times as fast, at the rate the header says."""
    x, rate = speech(material)
    places = np.arange(0, len(x) - 1, dose)
    return give(material, np.interp(places, np.arange(len(x)), x), 0.0, len(places) / rate)


def agreed_shift(faster: float, higher: float, brighter: float | None = None, same_text: bool = False) -> float:
    """Return the shift (ln) that pace, pitch and spectrum agree on, whatever its direction; 0 where they do not.

    It is the mean, weighted by how little each varies, less what they lie apart around it. Pace and pitch may agree
    without the spectrum, which a text without an s moves, never the spectrum with one of them. ``same_text``: what they
    are compared with is the same text, so that nothing but their measurement moves them apart.
    """
    free = MEASURED if same_text else 0.0
    shifts, weights = [faster, higher], [OF_PACE**-2, OF_PITCH**-2]
    agreed = _agreement(shifts, weights, free)
    if brighter is not None:
        agreed = max(agreed, _agreement([*shifts, brighter], [*weights, OF_SPECTRUM**-2], free))
    agreed -= max(abs(faster - higher) - SLACK, 0.0)
    return agreed if agreed > NO_SHIFT else 0.0


def _agreement(shifts: Sequence[float], weights: Sequence[float], free: float) -> float:
    shift = float(np.average(shifts, weights=weights))
    apart = float(np.average((np.array(shifts) - shift) ** 2, weights=weights))
    return abs(shift) - APART * max(math.sqrt(apart) - free, 0.0)


def _pitch_shift(view: DetectorInput, faster: float, brighter: float | None) -> float:
    """Return ln of how much higher the voice is; of its spectrum, where its pitch would lie below what is looked at."""
    lowest = reference_figure(view, PITCHES[0])
    below = lowest is not None and lowest * math.exp(faster) < LOWEST_PITCH
    if faster < MUCH_SLOWER and below and brighter is not None:
        return brighter
    shifts = [shift for key in PITCHES if (shift := _shift(view, key)) is not None]
    return float(np.median(shifts)) if shifts else 0.0


def _brighter(view: DetectorInput) -> float | None:
    """Return ln of how much further up the spectrum ends, None where either is unknown."""
    now, then = required_payload(view, "signal").get("rolloff99_hz"), reference_figure(view, "rolloff99_hz")
    return math.log(now / then) if now and then else None


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
    unit = "ln of the rate that pace, pitch and spectrum agree on"
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
        brighter = _brighter(view)
        higher = _pitch_shift(view, faster, brighter)
        spectrum = f", spectrum x{math.exp(brighter):.2f}" if brighter is not None else ""
        return DetectorValue(
            agreed_shift(faster, higher, brighter, view.reference is not None),
            None,
            f"duration 1/{math.exp(faster):.2f}, pitch x{math.exp(higher):.2f}{spectrum} of what is usual",
        )
