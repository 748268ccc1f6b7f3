"""Faulty texts and what a text costs, by its length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.core.records import Claim, Json
from harness.experiments.ladder.claims import LadderResult, LengthStep
from harness.experiments.results import stored_results
from harness.report.sections.axes import Drawn, Within, logarithmic, within
from harness.report.svg import MARKERS, SERIES, markup, new_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_lengths(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Draw length across (logarithmic): share of faulty texts with intervals, and what a text costs."""
    steps_by_name = {name: one.steps for name, one in stored_results(LadderResult, results).items() if one.steps}
    if not steps_by_name:
        return []
    drawing = new_plot(10.5, 2.9)
    left, right = drawing.subplots(1, 2)
    for number, (name, steps) in enumerate(steps_by_name.items()):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        for step in steps:
            if (shown := within(step.faulty, 100)) is not None:
                left.plot([step.words] * 2, shown[1:], color=colour, linewidth=1.2, alpha=0.6)
        _line(left, steps, lambda step: _first(within(step.faulty, 100)), colour, marker, name)
        _line(right, steps, lambda step: step.seconds, colour, marker, f"{name}: seconds of speech")
        _line(right, steps, lambda step: step.cpu_seconds, colour, "", f"{name}: CPU seconds", dashed=True)
    logarithmic(right.yaxis, right.set_yscale)
    for axes, title in ((left, "faulty texts, %"), (right, "seconds a text")):
        logarithmic(axes.xaxis, axes.set_xscale)
        axes.set_xlabel("words")
        axes.set_title(title, loc="left", fontsize=9)
        axes.grid(axis="y", linewidth=0.6)
        axes.legend(frameon=False, fontsize=8)
    told = [
        f"{n}: " + ", ".join(f"{s.words} words {s.faulty.count}/{s.faulty.total}" for s in steps)
        for n, steps in steps_by_name.items()
    ]
    return [("Bars are 95% intervals", markup(drawing, "ladder", "Faulty texts by length. " + "; ".join(told)))]


def _first(seen: Within | None) -> float | None:
    return None if seen is None else seen[0]


def _line(
    axes: Axes,
    steps: Sequence[LengthStep],
    pick: Callable[[LengthStep], float | None],
    colour: str,
    marker: str,
    label: str,
    *,
    dashed: bool = False,
) -> None:
    points = [(step.words, value) for step in steps if (value := pick(step)) is not None]
    if points:
        style = (0, (5, 2)) if dashed else "-"
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4, linestyle=style, label=label)
