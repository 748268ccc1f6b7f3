"""Grids of words, readable without colour, such as which claims hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.core.records import Claim, Json
from harness.report.sections.axes import Drawn
from harness.report.svg import GRID, INK, SERIES, markup, new_plot

if TYPE_CHECKING:
    from matplotlib.patches import Patch


def matrix(rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], tuple[str, bool | None]],
           name: str, label: str) -> str:  # fmt: skip
    """Return a grid of words; each cell is a text and whether it is good (True), bad (False) or undecided (None)."""
    wide = max((len(text) for text, _ in cells.values()), default=4)
    tall = max((len(text) for text in columns), default=4)
    drawing = new_plot(min(2.2 + len(columns) * max(0.75, 0.085 * wide), 14.0), 0.7 + 0.34 * len(rows) + 0.06 * tall)
    axes = drawing.subplots()
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            text, good = cells.get((row, column), ("", None))
            if not text:
                continue
            colour = {True: SERIES[2], False: SERIES[1], None: GRID}[good]
            axes.add_patch(_square(x, y, colour, 0.28 if good is not None else 0.5))
            weight = "bold" if good is False else "normal"
            axes.text(x, y, text, ha="center", va="center", fontsize=8, fontweight=weight, color=INK)
    axes.set_xticks(
        range(len(columns)), list(columns), rotation=35 if tall > 8 else 0, ha="right" if tall > 8 else "center"
    )
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return markup(drawing, name, label)


def _square(x: int, y: int, colour: str, alpha: float) -> Patch:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, facecolor=colour, alpha=alpha, edgecolor="none")


def shares(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Return variants down, claims across: which share of what was compared is the same."""
    told = [claim for claim in claims if claim.count]
    rows, columns = unique(claim.variant for claim in told), unique(claim.name for claim in told)
    if not rows:
        return []
    cells = {(claim.variant, claim.name): (_share(claim), claim.passed) for claim in told}
    label = "; ".join(f"{c.variant}, {c.name}: {_share(c)}" for c in told if c.passed is False) or "nothing fails"
    return [("", matrix(rows, columns, cells, "shares", f"Claims by variant. {label}."))]


def holds(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Return variants down, claims across: which hold."""
    rows, columns = unique(claim.variant for claim in claims), unique(claim.name for claim in claims)
    cells = {
        (c.variant, c.name): ({True: "yes", False: "NO", None: "?"}[c.passed], c.passed) for c in claims if c.count
    }
    if not cells:
        return []
    label = "; ".join(f"{c.variant}, {c.name}: no" for c in claims if c.passed is False) or "nothing fails"
    return [("? could not be decided", matrix(rows, columns, cells, "holds", f"Claims by variant. {label}."))]


def _share(claim: Claim) -> str:
    word = {True: "yes", False: "NO", None: "?"}[claim.passed]
    if claim.value is None or claim.count is None or not 0 <= claim.value <= 1:
        return word
    return f"{round(claim.value * claim.count)} of {claim.count}"


def unique(names: Iterable[str]) -> list[str]:
    """Return each name once, in order."""
    return list(dict.fromkeys(names))
