"""Slopes with their intervals, and curves that a claim brings along, ready to be shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict, cast

from harness.core.records import Claim
from harness.report.svg import SERIES, markup, new_plot
from harness.store import Run
from harness.verdicts.claims.drift import DriftEstimate

_RELATIVE = {"speech_rate", "token_rate", "rtfx"}  # their changes are logarithms of ratios
_TIMES = {"rtfx"}
_UNITS = {"loudness_lufs": " LU", "wer": " errors a word"}
_NAMES = {"wer": "WER", "rtfx": "RTFx", "loudness_lufs": "loudness", "speaker_similarity": "speaker similarity"}


@dataclass(frozen=True, slots=True)
class SlopeRow:
    """How one measure of one variant changed over the session, in words."""

    variant: str
    measure: str
    change: str
    interval: str
    step: str
    count: str
    says: str


@dataclass(frozen=True, slots=True)
class DrawnCurve:
    """The curve of one claim."""

    title: str
    drawing: str


class Curve(TypedDict, total=False):
    """What a claim may bring along to be drawn; ``low`` and ``high`` bound a band."""

    x: list[float]
    y: list[float]
    x_label: str
    y_label: str
    low: list[float]
    high: list[float]


def slopes(run: Run, timed: bool | None = None) -> list[SlopeRow]:
    """Return a row a variant and measure: change from the first to the last chunk (Theil-Sen) with its interval.

    ``timed``: whether the run's timings are valid; where they are not, a change of speed is the machine's.
    """
    rows: list[SlopeRow] = []
    for claim in run.claims():
        if claim.name == "drift":
            estimates = DriftEstimate.of_claim(claim)
            rows += [_drift(claim, measure, one, timed) for measure, one in estimates.items()]
            if not estimates:
                rows.append(_row(claim.variant, "all", "–", "–", "–", claim.count, claim.statement))
        elif claim.name == "memory":
            rows.append(_memory(claim))
    return rows


def captions(run: Run, measure: str, timed: bool | None = None) -> list[str]:
    """Return a line a variant for the panel of a measure: its slope over the session with its interval."""
    told = []
    for claim in run.claims():
        estimate = DriftEstimate.of_claim(claim).get(measure)
        if claim.name == "memory" and measure == "rss_bytes":
            row = _memory(claim)
        elif estimate is not None:
            row = _drift(claim, measure, estimate, timed)
        else:
            continue
        if row.change == "–":
            continue  # the table says why
        told.append(f"{claim.variant}: {row.change} ({row.interval}), {row.says}")
    return told


def _drift(claim: Claim, measure: str, estimate: DriftEstimate, timed: bool | None) -> SlopeRow:
    statement = "no change"
    if estimate.significant:
        statement = "significant and beyond its margin" if estimate.beyond else "significant, within its margin"
    elif estimate.low > 0 or estimate.high < 0:  # one interval in twenty does so by chance
        statement = "not significant among all that was tested"
    if measure in _TIMES and timed is False:
        statement = "not judged: the timings are invalid"
    return _row(
        claim.variant,
        _NAMES.get(measure, measure.replace("_", " ")),
        _shown(measure, estimate.change),
        f"{_shown(measure, estimate.low)} to {_shown(measure, estimate.high)}",
        f"{_shown(measure, estimate.step)} at chunk {estimate.step_at + 1}",
        estimate.count,
        statement,
    )


def _memory(claim: Claim) -> SlopeRow:
    if claim.value is None or claim.interval is None:
        return _row(claim.variant, "memory", "–", "–", "–", claim.count, claim.statement)
    low, high = claim.interval
    change, interval = f"{claim.value / 1e3:+.1f} kB a chunk", f"{low / 1e3:+.1f} to {high / 1e3:+.1f} kB a chunk"
    statement = {True: "within its margin", False: "beyond its margin", None: "too uncertain to say"}[claim.passed]
    return _row(claim.variant, "memory", change, interval, "–", claim.count, statement)


def _row(variant: str, measure: str, change: str, interval: str, step: str, count: int | None, says: str) -> SlopeRow:
    return SlopeRow(variant, measure, change, interval, step, "–" if count is None else str(count), says)


def _shown(measure: str, value: float) -> str:
    if measure in _RELATIVE:
        return f"{math.expm1(value):+.1%}"
    return f"{value:+.3g}{_UNITS.get(measure, '')}"


def curves(run: Run) -> list[DrawnCurve]:
    """Return title and drawing of each claim whose details hold a ``curve``.

    A curve is ``{x: [...], y: [...], x_label, y_label, low?: [...], high?: [...]}``.
    """
    drawn = []
    for number, claim in enumerate(run.claims()):
        curve = cast("Curve | None", claim.details.get("curve"))
        if curve and curve.get("x") and len(curve["x"]) == len(curve.get("y", ())):
            title = f"{claim.variant}: {claim.name.replace('-', ' ')}"
            drawn.append(DrawnCurve(title, _curve(curve, f"curve{number}", f"{title}. {claim.statement}")))
    return drawn


def _curve(curve: Curve, name: str, label: str) -> str:
    drawing = new_plot(8.0, 3.0)
    axes = drawing.subplots()
    axes.plot(curve["x"], curve["y"], color=SERIES[0], linewidth=1.7, marker="o", markersize=3)
    if curve.get("low") and curve.get("high"):
        axes.fill_between(curve["x"], curve["low"], curve["high"], color=SERIES[0], alpha=0.2, linewidth=0)
    axes.set_xlabel(str(curve.get("x_label", "")))
    axes.set_ylabel(str(curve.get("y_label", "")))
    axes.grid(axis="y", linewidth=0.6)
    return markup(drawing, name, label)
