"""Share of injected copies found, by class."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.records import Claim, Json
from harness.experiments.sensitivity.figures import from_json
from harness.report.sections.axes import Drawn, draw_intervals
from harness.report.svg import SERIES, markup, new_plot


def draw_recall(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Draw the share of injected copies found under their own name, by class at its preset dose, lowest first."""
    drawn = []
    stored = {name: one.get("rows") or [] for name, one in results.items() if isinstance(one, dict)}
    for number, (name, given) in enumerate(stored.items()):
        rows = [row for row in from_json(given) if row.preset and row.injector == row.fault and row.count]
        if not rows:
            continue
        rows.sort(key=lambda row: (row.named / row.count, row.fault))
        values = {
            f"{row.fault} ({row.named}/{row.count})": (
                100 * row.named / row.count,
                100 * row.low,
                100 * row.high,
            )
            for row in rows
        }
        drawing = new_plot(10.5, 0.9 + 0.24 * len(rows))
        axes = drawing.subplots()
        draw_intervals(axes, list(values), values, SERIES[0], "o")
        axes.set_yticks(range(len(values)), list(values))
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xlim(-2, 102)
        axes.grid(axis="x", linewidth=0.6)
        axes.set_xlabel("found under its own name at the preset dose, %")
        told = ", ".join(f"{key} {value[0]:.0f}%" for key, value in values.items())
        drawn.append((f"{name}; bars are 95% intervals", markup(drawing, f"recall{number}", f"{name}, found: {told}")))
    return drawn
