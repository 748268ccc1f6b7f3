"""The run as a whole beside healthy voices: what all of its chunks share, and no chunk can show against the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.records import DetectorInput
from harness.detectors._figures import expected_syllables
from harness.detectors.base import CannotJudge, NotApplicable
from harness.verdicts.priors import FigureRange, Priors

LEAST_VALUES = 10  # chunks with a figure, for the run to have one


@dataclass(frozen=True, slots=True)
class WholeFigure:
    """One figure of a run: the median over its chunks, and how it is said where healthy voices do not have it."""

    take: Callable[[DetectorInput], float | None]
    too_low: str = ""  # sentence with {value}; empty: nothing is wrong with little of it
    too_high: str = ""
    unit: str = ""
    digits: int = 1


@dataclass(frozen=True, slots=True)
class UnusualFigure:
    """A run outside of what healthy voices have."""

    figure: str
    value: float
    range: FigureRange
    statement: str


def figure_values(views: Sequence[DetectorInput]) -> dict[str, float]:
    """Return each figure's median over the chunks that have it, where there are 10."""
    medians = {}
    for name, figure in FIGURES.items():
        values = [value for view in views if (value := figure.take(view)) is not None and math.isfinite(value)]
        if len(values) >= LEAST_VALUES:
            medians[name] = float(np.median(values))
    return medians


def outside(views: Sequence[DetectorInput], priors: Priors) -> list[UnusualFigure]:
    """Return what all chunks of a run share and healthy voices do not, in words."""
    unusual = []
    for name, value in figure_values(views).items():
        usual = priors.figures.get(name)
        if usual is None:
            continue
        figure = FIGURES[name]
        sentence = figure.too_low if value < usual.low else figure.too_high if value > usual.high else ""
        if sentence:
            unusual.append(UnusualFigure(name, value, usual, _said(name, sentence, value, usual, views)))
    return unusual


def _said(name: str, sentence: str, value: float, usual: FigureRange, views: Sequence[DetectorInput]) -> str:
    figure = FIGURES[name]
    shown = sentence.format(value=f"{value:.{figure.digits}f}", edge=f"{_edge(views) / 1000:.1f}")
    span = f"{usual.low:.{figure.digits}f} to {usual.high:.{figure.digits}f}{figure.unit}"
    return f"{shown} ({usual.voices} healthy voices: {span})"


def _edge(views: Sequence[DetectorInput]) -> float:
    """Hz below which 99% of the energy lies, the median over the run."""
    edges = [(view.payload("signal") or {}).get("rolloff99_hz") for view in views]
    return float(np.median([edge for edge in edges if edge is not None] or [0.0]))


def _band(view: DetectorInput) -> float | None:
    signal = view.payload("signal") or {}
    edge, rate = signal.get("rolloff99_hz"), signal.get("sample_rate")
    return None if edge is None or not rate else 2.0 * float(edge) / float(rate)


def _pace(view: DetectorInput) -> float | None:
    seconds = (view.payload("signal") or {}).get("duration")
    try:
        return expected_syllables(view) / float(seconds) if seconds else None
    except (CannotJudge, NotApplicable):
        return None


def _floor(view: DetectorInput) -> float | None:
    signal = view.payload("signal") or {}
    floor, level = signal.get("noise_floor_dbfs"), signal.get("active_rms_dbfs")
    return None if floor is None or level is None else float(floor) - float(level)


def _level(view: DetectorInput) -> float | None:
    return view.payload.or_empty("signal").get("active_rms_dbfs")


def _harmonicity(view: DetectorInput) -> float | None:
    return view.payload.or_empty("pitch").get("harmonicity_db")


def _opinion(view: DetectorInput) -> float | None:
    return view.payload.or_empty("dnsmos").get("overall")


FIGURES: Mapping[str, WholeFigure] = {
    "band": WholeFigure(
        _band,
        too_low="every chunk is muffled above {edge} kHz: the band of its sample rate is used to {value}",
        digits=2,
    ),
    "level": WholeFigure(
        _level,
        "every chunk is quiet: its speech lies at {value} dBFS",
        "every chunk is loud: its speech lies at {value} dBFS",
        " dBFS",
    ),
    "pace": WholeFigure(
        _pace,
        "every chunk is slow: {value} syllables a second",
        "every chunk is fast: {value} syllables a second",
        " a second",
    ),
    "noise floor": WholeFigure(
        _floor, too_high="every chunk has noise under it: its pauses lie at {value} dB against the speech", unit=" dB"
    ),
    "harmonicity": WholeFigure(
        _harmonicity,
        too_low="every chunk is rough: its voice is only {value} dB harmonic",
        unit=" dB",
    ),
    "predicted MOS": WholeFigure(_opinion, too_low="every chunk sounds bad: predicted MOS (DNSMOS) {value}", digits=2),
}
