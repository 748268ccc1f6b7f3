"""Axes of the report's drawings: intervals as bars, logarithmic ticks as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from matplotlib.axis import Axis

from harness.report.svg import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Drawn = list[tuple[str, str]]
Within = tuple[float, float, float]  # value, low, high


class HasInterval(Protocol):
    """A figure with an interval, or without one where too few chunks tell."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def within(seen: HasInterval | None, scale: float = 1.0) -> Within | None:
    """Return value, low and high for drawing, scaled; the value itself where there is no interval, None without one."""
    if seen is None or seen.value is None:
        return None
    low, high = (seen.value if bound is None else bound for bound in (seen.low, seen.high))
    return scale * seen.value, scale * low, scale * high


def logarithmic(axis: Axis, scale: Callable[[str], object]) -> None:
    """Make an axis logarithmic with plain numbers as ticks: text stays text in the drawing, there is no typesetting."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    scale("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def draw_intervals(axes: Axes, names: Sequence[str], values: Mapping[str, Within], colour: str, marker: str) -> None:
    """Draw a bar for each interval, at the place of its name."""
    for name, (value, low, high) in values.items():
        y = names.index(name)
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6)
        axes.plot([value], [y], color=colour, marker=marker, markersize=5, markeredgecolor=INK, markeredgewidth=0.4)
