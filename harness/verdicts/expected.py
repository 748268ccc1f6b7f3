"""Figures that detectors compare with, and that the run's own other chunks supply where there is no reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from harness.core.records import DetectorInput
from harness.core.records.payloads import PitchKey
from harness.detectors._figures import expected_syllables
from harness.detectors.base import CannotJudge, NotApplicable
from harness.verdicts.robust import beside_main_voice, robust_line, text_terms
from harness.verdicts.this_run import LEAST_CHUNKS

FENCE = 6.0  # robust deviations; what lies further off does not teach what is usual
NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Figure:
    """One figure on the scale where it is fitted, and what must be added there to come back to this text's own."""

    value: float
    offset: float = 0.0


def expected_figures(views: Sequence[DetectorInput], voices: Sequence[int | None] = ()) -> list[Mapping[str, float]]:
    """Return for each view what its run leads to expect of it, without itself: pitch, duration, voiced share.

    ``voices``: which voice of the run each view has, where there are several (see ``beside_main_voice``).

    Keys are those of the scorers (``f0_median_hz`` and its percentiles and ``rolloff99_hz`` in Hz, ``duration`` in s,
    ``voiced_fraction``). Fewer than 40 chunks with a figure teach nothing: then it is left out.
    """
    expected: list[dict[str, float]] = [{} for _ in views]
    if len(views) < LEAST_CHUNKS:
        return [NOTHING] * len(views)
    terms = text_terms([view.chunk for view in views])
    for name, (scorer, take) in _FIGURES.items():
        if sum(view.payload(scorer) is not None for view in views) < LEAST_CHUNKS:
            continue  # before the syllables of every text are counted
        figures = [take(view) for view in views]
        values = np.array([figure.value for figure in figures])
        usable = np.isfinite(values)
        if usable.sum() < LEAST_CHUNKS:
            continue
        beside = beside_main_voice(values, voices or [None] * len(views))
        line = robust_line(values - beside, terms, usable, FENCE)
        for row, figure, value in zip(expected, figures, line.expected + beside, strict=True):
            if math.isfinite(value):
                row[name] = float(value) if take is _voiced else math.exp(float(value) + figure.offset)
    return [dict(row) for row in expected]


def _pitch(key: PitchKey) -> Callable[[DetectorInput], _Figure]:
    def take(view: DetectorInput) -> _Figure:
        f0 = (view.payload("pitch") or {}).get(key)
        return _Figure(math.log(f0) if f0 else math.nan)

    return take


def _rolloff(view: DetectorInput) -> _Figure:
    rolloff = (view.payload("signal") or {}).get("rolloff99_hz")
    return _Figure(math.log(rolloff) if rolloff else math.nan)


def _duration(view: DetectorInput) -> _Figure:
    """ln of the seconds a syllable; the text's own syllables give the seconds back."""
    seconds = (view.payload("signal") or {}).get("duration")
    try:
        syllables = math.log(expected_syllables(view))
    except (CannotJudge, NotApplicable):
        return _Figure(math.nan, math.nan)
    return _Figure(math.log(max(seconds, 0.01)) - syllables if seconds else math.nan, syllables)


def _voiced(view: DetectorInput) -> _Figure:
    share = (view.payload("pitch") or {}).get("voiced_fraction")
    return _Figure(math.nan if share is None else float(share))


_FIGURES: Mapping[str, tuple[str, Callable[[DetectorInput], _Figure]]] = {
    "f0_median_hz": ("pitch", _pitch("f0_median_hz")),
    "f0_p05_hz": ("pitch", _pitch("f0_p05_hz")),
    "f0_p95_hz": ("pitch", _pitch("f0_p95_hz")),
    "duration": ("signal", _duration),
    "rolloff99_hz": ("signal", _rolloff),
    "voiced_fraction": ("pitch", _voiced),
}
