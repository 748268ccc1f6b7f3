"""Figures of findings as a person reads them, whatever scale the limits are kept on."""

import math

import pytest

from harness.core.records import Finding
from harness.detectors import catalogue
from harness.detectors.readable import SCALES, finding_phrase, readable_value


@pytest.mark.parametrize(
    ("finding", "says"),
    [
        (Finding("bandwidth", 0.537, 0.357, "reference on the same text"), "99% of the energy lies below 0.58 times"),
        (Finding("bandwidth", -0.1, -0.18, "physics"), "lies below 1.1 kHz, at least 1.2 kHz is right"),
        (Finding("wrong-speaker", 0.4949, 0.35, "default, not fitted on this voice"), "voice 0.51, at least 0.65 is"),
        (Finding("wrong-speaker", 0.49, 0.15, "reference on the same text"), "voice 0.49 below the"),
        (Finding("rumble", 1.16, 0.92, "reference"), "voiced share of the speech 0.31 times"),
        (Finding("near-empty", math.log(40), math.log(20), "physics"), "speed 40.0 syllables a second, at most 20.0"),
        (Finding("robotic", 9.0, 6.0, "this run"), "periodicity 9 dB below what is usual, 6 dB is right"),
        (Finding("bandwidth", -0.1, -0.9, "prior: 99.9% of healthy voices"), "lies below 1.1 kHz, at least 2.5 kHz"),
        (Finding("level-offset", 17.83, 11.88, "prior: 35 healthy voices"), "17.8 dB from what healthy voices"),
        (Finding("loop", 4.0, 3.0, "physics", "words heard again"), "4 words heard again against a limit of 3"),
    ],
)  # fmt: skip
def test_a_finding_in_words(finding, says):
    assert says in finding_phrase(finding)


def test_no_class_shows_a_logarithm():
    """A class whose unit is a logarithm or a complement has a scale that turns it back."""
    for name, fault in catalogue().items():
        if any(word in fault.unit for word in ("ln", "log10", "1 - ")) and "value" not in fault.unit:
            assert name in SCALES, f"{name}: {fault.unit}"
    assert readable_value("bandwidth", -math.log(4.2)) == "4.2 kHz"
    assert readable_value("loop", 3.0, "words") == "3 words"
