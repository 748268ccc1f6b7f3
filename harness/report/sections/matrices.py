"""Grids of words, readable without colour: which claims hold, which faults were found, which settings are safe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.records import Claim, Json
from harness.report.svg import GRID, INK, SERIES, markup, new_plot

Drawn = list[tuple[str, str]]


def matrix(rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], tuple[str, bool | None]],
           name: str, label: str) -> str:  # fmt: skip
    """A grid of words; each cell is a text and whether it is good (True), bad (False) or undecided (None)."""
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


def _square(x: int, y: int, colour: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, facecolor=colour, alpha=alpha, edgecolor="none")


def shares(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Variants down, claims across: which share of what was compared is the same."""
    told = [claim for claim in claims if claim.count]
    rows, columns = _unique(claim.variant for claim in told), _unique(claim.name for claim in told)
    if not rows:
        return []
    cells = {(claim.variant, claim.name): (_share(claim), claim.passed) for claim in told}
    label = "; ".join(f"{c.variant}, {c.name}: {_share(c)}" for c in told if c.passed is False) or "nothing fails"
    return [("", matrix(rows, columns, cells, "shares", f"Claims by variant. {label}."))]


def holds(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Variants down, claims across: which hold."""
    rows, columns = _unique(claim.variant for claim in claims), _unique(claim.name for claim in claims)
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


def found(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Variants down, planted faults across: found or not."""
    rows = [name for name, one in results.items() if isinstance(one, dict) and one.get("planted")]
    planted = {(name, one["fault"]): one for name in rows for one in results[name]["planted"]}
    if not planted:
        return []
    cells = {key: ("found" if one["found"] else "MISSED", bool(one["found"])) for key, one in planted.items()}
    missed = ", ".join(f"{fault} in {name}" for (name, fault), one in planted.items() if not one["found"])
    label = f"Planted faults; {'missed: ' + missed if missed else 'every one was found'}."
    return [("", matrix(rows, _unique(fault for _, fault in planted), cells, "planted", label))]


def grid(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Settings of a sweep as a grid of two, where there are two; else as a column."""
    drawn = []
    for number, (name, one) in enumerate(results.items()):
        settings = one.get("settings") if isinstance(one, dict) else None
        if not settings:
            continue
        points = {key: dict(part.partition("=")[::2] for part in key.split(",")) for key in settings}
        names = _unique(key for point in points.values() for key in point)
        down, across = (names[0], names[1]) if len(names) == 2 else ("", "")
        cells = {}
        for key, point in points.items():
            row, word = settings[key], settings[key]["word"]
            place = (f"{down} {point.get(down, '')}", f"{across} {point.get(across, '')}") if down else (key, "all")
            text = f"{row['faulty']['count']}/{row['faulty']['total']} {word}"
            cells[place] = (text, {"safe": True, "unsafe": False}.get(word))
        label = f"{name}: faulty of judged chunks by setting; " + "; ".join(
            f"{k}: {v['word']}" for k, v in settings.items()
        )
        rows, columns = _unique(r for r, _ in cells), _unique(c for _, c in cells)
        drawn.append((f"{name}: faulty of judged chunks", matrix(rows, columns, cells, f"sweep{number}", label)))
    return drawn


def _unique(names: Any) -> list[str]:
    return list(dict.fromkeys(names))
