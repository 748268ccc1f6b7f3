"""Figures with intervals as they are drawn."""

from dataclasses import dataclass

import pytest

from harness.report.sections.axes import within


@dataclass(frozen=True)
class _Figure:
    value: float | None
    low: float | None = None
    high: float | None = None


@pytest.mark.parametrize(
    ("figure", "drawn"),
    [
        (_Figure(0.2, 0.1, 0.4), (20.0, 10.0, 40.0)),
        (_Figure(0.2), (20.0, 20.0, 20.0)),  # no interval: a point
        (_Figure(None, 0.1, 0.4), None),
        (None, None),
    ],
)
def test_an_interval_is_scaled_and_what_was_not_measured_is_not_drawn(figure, drawn):
    assert within(figure, 100.0) == (drawn if drawn is None else pytest.approx(drawn))
