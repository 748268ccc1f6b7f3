"""The drawings of the report: strip chart of the run, drift panels, token histograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.core.records import VerdictWord
from harness.report.material import MEASURES, ReportData, ReportRow
from harness.report.svg import FAINT, GRID, INK, MARKERS, SERIES, markup, new_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES: tuple[object, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)), (0, (8, 3)))
_BINS = 60
_MOST_POINTS = 400  # of one panel; beyond it the medians alone are drawn
_NAMED = len(MARKERS) - 1


def strip(material: ReportData, links: Mapping[int, str]) -> str:
    """Draw position across and variants down, with a mark a faulty chunk by its first fault class, colour and shape.

    ``links`` leads from attempt ids to the places on the page where they are reviewed.
    """
    rows = len(material.variants)
    named = material.classes()[:_NAMED]
    drawing = new_plot(10.5, 1.2 + (0.42 if len(named) < 4 else 0.62) * rows)
    axes = drawing.subplots()
    for row, name in enumerate(material.variants):
        spoken = material.spoken[name]
        if spoken:
            axes.plot([spoken[0].position + 1, spoken[-1].position + 1], [row, row], color=GRID, linewidth=6, zorder=1)
        _restarts(axes, row, spoken)
    for number, fault in enumerate([*named, None]):
        _marks(axes, material, number, fault, named, links)
    _unjudged(axes, material, links)
    axes.set_yticks(range(rows), list(material.variants))
    axes.set_ylim(rows - 0.5, -0.6)
    axes.set_xlim(0, max(material.chunks, 1) + 1)
    axes.set_xlabel("chunk, in order of speaking")
    axes.locator_params(axis="x", integer=True)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        drawing.legend(loc="outside lower center", ncols=5, frameon=False)
    counts = [f"{name} {sum(bool(s.findings) for s in material.spoken[name])}" for name in material.variants]
    return markup(drawing, "strip", f"Faulty chunks by position. Faulty: {', '.join(counts)}. A table follows.")


def _marks(
    axes: Axes, material: ReportData, number: int, fault: str | None, named: Sequence[str], links: Mapping[int, str]
) -> None:
    lanes = len(material.classes()[: _NAMED + 1])
    lane = 0.62 * ((number + 0.5) / lanes - 0.5) if lanes > 1 else 0.0  # classes apart, where many fall together
    places = [
        (spoken.position + 1, row + lane, links.get(spoken.attempt.id or -1))
        for row, name in enumerate(material.variants)
        for spoken in material.spoken[name]
        if spoken.findings and (spoken.findings[0].fault == fault or (not fault and _other(spoken, named)))
    ]
    if places:
        across, down, urls = zip(*places, strict=True)
        dots = axes.scatter(
            across, down, s=34, marker=MARKERS[number], color=SERIES[number], edgecolors=INK, linewidths=0.4, zorder=3,
            label=fault or "other classes",
        )  # fmt: skip
        dots.set_urls(list(urls))


def _other(spoken: ReportRow, named: Sequence[str]) -> bool:
    return spoken.findings[0].fault not in named


def _unjudged(axes: Axes, material: ReportData, links: Mapping[int, str]) -> None:
    places = [
        (spoken.position + 1, row, links.get(spoken.attempt.id or -1))
        for row, name in enumerate(material.variants)
        for spoken in material.spoken[name]
        if spoken.word is VerdictWord.NOT_JUDGED
    ]
    if places:
        across, down, urls = zip(*places, strict=True)
        dots = axes.scatter(
            across, down, s=26, marker="o", facecolors="none", edgecolors=FAINT, linewidths=0.9, zorder=2,
            label="not judged",
        )  # fmt: skip
        dots.set_urls(list(urls))


def _restarts(axes: Axes, row: int, spoken: Sequence[ReportRow]) -> None:
    previous = 0
    for one in spoken:
        if one.attempt.epoch != previous:
            axes.plot([one.position + 0.5] * 2, [row - 0.38, row + 0.38], color=INK, linewidth=1, zorder=2)
        previous = one.attempt.epoch


def panels(material: ReportData) -> list[tuple[str, str, str]]:
    """Return (measure, title, drawing) of every measure with a value: a line a variant, medians (of WER, means)."""
    drawn = []
    for measure, title in MEASURES.items():
        if any(measure in spoken.figures for spoken in material.everything()):
            drawn.append((measure, title, _panel(material, measure, title)))
    return drawn


def _panel(material: ReportData, measure: str, title: str) -> str:
    drawing = new_plot(5.2, 2.5)
    axes = drawing.subplots()
    scale = 1e-6 if measure == "rss_bytes" else 1.0
    total = sum(measure in spoken.figures for spoken in material.everything())
    for number, name in enumerate(material.variants):
        points = [(s.position + 1, s.figures[measure] * scale) for s in material.spoken[name] if measure in s.figures]
        if not points:
            continue
        colour = SERIES[number % len(SERIES)]
        if total <= _MOST_POINTS:
            axes.plot(*zip(*points, strict=True), ".", color=colour, alpha=0.4, markersize=3)
        across, middle = _along(points, np.mean if measure == "wer" else np.median)
        dash = DASHES[number % len(DASHES)]
        alone = "o" if len(across) == 1 else None
        axes.plot(across, middle, color=colour, linestyle=dash, linewidth=1.7, marker=alone, label=name)
    axes.set_xlim(0, max(material.chunks, 1) + 1)
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_xlabel("chunk")
    axes.locator_params(axis="x", integer=True)
    axes.grid(axis="y", linewidth=0.6)
    if len(material.variants) > 1:
        drawing.legend(loc="outside lower center", ncols=4, frameon=False, handlelength=3)
    return markup(drawing, measure.replace("_", "-"), f"{title} along the run; the table below has the slopes.")


def _along(
    points: Sequence[tuple[int, float]], centre: Callable[[NDArray[np.float64]], np.floating]
) -> tuple[list[float], list[float]]:
    bins = np.array_split(np.array(points), min(_BINS, max(1, len(points) // 5 or 1)))
    return [float(np.median(part[:, 0])) for part in bins], [float(centre(part[:, 1])) for part in bins]


def histograms(material: ReportData) -> list[tuple[str, str]]:
    """Return (title, drawing) a codebook: the share of all tokens that each token has, a step line a variant."""
    used: dict[int, dict[str, NDArray[np.generic]]] = {}
    for name in material.variants:
        arrays = [s.attempt.tokens for s in material.spoken[name] if s.attempt.tokens is not None]
        width = max((array.shape[1] for array in arrays), default=0)
        for book in range(width):
            parts = [array[:, book] for array in arrays if array.shape[1] > book and array.shape[0]]
            if parts:
                used.setdefault(book, {})[name] = np.concatenate(parts)
    return [(f"Codebook {book}", _histogram(material, book, values)) for book, values in sorted(used.items())]


def _histogram(material: ReportData, book: int, values: Mapping[str, NDArray[np.generic]]) -> str:
    drawing = new_plot(5.2, 2.2)
    axes = drawing.subplots()
    low = min(int(array.min()) for array in values.values())
    high = max(int(array.max()) for array in values.values())
    edges = np.linspace(low, high + 1, min(48, high - low + 1) + 1)
    for number, name in enumerate(material.variants):
        if name in values:
            counts, _ = np.histogram(values[name], edges)
            axes.stairs(
                100 * counts / counts.sum(), edges, color=SERIES[number % len(SERIES)],
                linestyle=DASHES[number % len(DASHES)], linewidth=1.3, label=name,
            )  # fmt: skip
    axes.set_ylabel("% of tokens")
    axes.set_xlabel(f"token of codebook {book}")
    axes.set_ylim(bottom=0)
    if len(values) > 1:
        drawing.legend(loc="outside lower center", ncols=4, frameon=False, handlelength=3)
    uniques = ", ".join(f"{name} {np.unique(array).size}" for name, array in values.items())
    return markup(drawing, f"codebook{book}", f"Use of codebook {book}. Distinct tokens used: {uniques}.")
