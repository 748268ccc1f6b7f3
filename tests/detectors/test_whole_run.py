"""Fault classes that no single chunk can show: the chunk is never called clean of them, a suite is named instead."""

import pytest

from harness.core.paths import SUITES
from harness.core.records import Attempt, Chunk, DetectorInput
from harness.detectors import catalogue
from harness.detectors.base import NotApplicable


@pytest.mark.parametrize("name", ["batch-interference", "first-chunk", "memory-scaling"])
def test_a_chunk_is_not_asked_and_the_suite_that_is_exists(name):
    detector = catalogue()[name]
    view = DetectorInput(Chunk("c", "some words"), Attempt(0, 0, 0, "c", "v"), {})
    with pytest.raises(NotApplicable, match="judged over the whole run"):
        detector.measure(view)
    suite = detector.judged_by.removeprefix("suites/").split()[0]
    assert (SUITES / suite).is_dir()
