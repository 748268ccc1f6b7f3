"""Figures with their intervals, from ``results.json``; no picture where the figures are not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.core.records import Claim, Json
from harness.report.svg import FAINT, INK, MARKERS, SERIES, markup, new_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Drawn = list[tuple[str, str]]


def cost(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Divergence of the next-token distributions beside what could be heard, by variant, largest model first."""
    names = sorted(
        (n for n in results if isinstance(results[n], dict)), key=lambda n: -(results[n].get("model_bytes") or 0)
    )
    panels = [
        (title, scale, {name: value for name in names if (value := pick(results[name])) is not None})
        for title, scale, pick in _COSTS
    ]
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        return []
    drawing = new_plot(10.5, 0.9 + 0.32 * len(names))
    columns = drawing.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for number, (axes, (title, scale, values)) in enumerate(zip(columns, panels, strict=True)):
        _intervals(axes, names, values, SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)])
        axes.set_title(title, loc="left", fontsize=9)
        if scale == "log" and all(value > 0 for value, _, _ in values.values()):
            _logarithmic(axes.xaxis, axes.set_xscale)
        elif min(low for _, low, _ in values.values()) <= 0 <= max(high for _, _, high in values.values()):
            axes.axvline(0, color=FAINT, linewidth=0.8)
        axes.grid(axis="x", linewidth=0.6)
    columns[0].set_yticks(range(len(names)), [_named(name, results[name]) for name in names])
    columns[0].set_ylim(len(names) - 0.5, -0.5)
    told = [f"{title}: " + ", ".join(f"{n} {v[0]:.3g}" for n, v in values.items()) for title, _, values in panels]
    title = "What the numbers say beside what could be heard; bars are 95% intervals"
    return [(title, markup(drawing, "cost", "; ".join(told))), *_along(results, names)]


def _along(results: Json, names: Sequence[str]) -> Drawn:
    """The divergence along a generation: a line a variant, by the position of the token."""
    lines = {}
    for name in names:
        positions = (results[name].get("divergence") or {}).get("positions") or {}
        points = [
            (int(key.partition("-")[0]), value)
            for key, one in positions.items()
            if (value := _triple(one["divergence"])) is not None and value[0] > 0
        ]
        if len(points) > 1:
            lines[name] = points
    if not lines:
        return []
    drawing = new_plot(10.5, 2.8)
    axes = drawing.subplots()
    for number, (name, points) in enumerate(lines.items()):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        across = [position + 1 for position, _ in points]
        axes.fill_between(across, [v[1] for _, v in points], [v[2] for _, v in points], color=colour, alpha=0.15)
        axes.plot(across, [v[0] for _, v in points], color=colour, marker=marker, markersize=4, label=name)
    _logarithmic(axes.xaxis, axes.set_xscale)
    _logarithmic(axes.yaxis, axes.set_yscale)
    axes.set_xlabel("speech token of the generation, from")
    axes.set_ylabel("KL, nats a token")
    axes.grid(axis="y", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8)
    told = "; ".join(f"{n}: " + ", ".join(f"from {p + 1} {v[0]:.3g}" for p, v in points) for n, points in lines.items())
    return [("The divergence along a generation; bands are 95% intervals", markup(drawing, "along", told))]


def _logarithmic(axis: Any, scale: Any) -> None:
    """A logarithmic axis whose ticks are plain numbers: text stays text in the drawing, there is no typesetting."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    scale("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _divergence(one: Json) -> tuple[float, float, float] | None:
    value = ((one.get("divergence") or {}).get("speech") or {}).get("divergence")
    return _triple(value) if value and value["value"] > 0 else None


def _triple(found: Json | None, scale: float = 1.0) -> tuple[float, float, float] | None:
    if not found or found.get("value") is None:
        return None
    value = float(found["value"])
    low, high = (value if found.get(key) is None else float(found[key]) for key in ("low", "high"))
    return scale * value, scale * low, scale * high


_COSTS: Sequence[tuple[str, str, Any]] = (
    ("KL to the reference, nats a token", "log", _divergence),
    ("faulty chunks, %", "", lambda one: _triple(one.get("faulty"), 100)),
    ("WER difference, pp", "", lambda one: _triple(one.get("wer_difference"), 100)),
    ("loss of speaker similarity", "", lambda one: _triple(one.get("similarity_loss"))),
)


def _intervals(
    axes: Axes, names: Sequence[str], values: Mapping[str, tuple[float, float, float]], colour: str, marker: str
) -> None:
    for name, (value, low, high) in values.items():
        y = names.index(name)
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6)
        axes.plot([value], [y], color=colour, marker=marker, markersize=5, markeredgecolor=INK, markeredgewidth=0.4)


def _named(name: str, one: Json) -> str:
    size = one.get("model_bytes")
    return f"{name} ({size / 1e6:.1f} MB)" if size else name


def plot_lengths(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Length across (logarithmic): share of faulty texts with intervals, and what a text costs."""
    steps_by_name = {name: one["steps"] for name, one in results.items() if isinstance(one, dict) and one.get("steps")}
    if not steps_by_name:
        return []
    drawing = new_plot(10.5, 2.9)
    left, right = drawing.subplots(1, 2)
    for number, (name, steps) in enumerate(steps_by_name.items()):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        for step in steps:
            if (shown := _triple(step["faulty"], 100)) is not None:
                left.plot([step["words"]] * 2, shown[1:], color=colour, linewidth=1.2, alpha=0.6)
        _line(left, steps, lambda step: _first(_triple(step["faulty"], 100)), colour, marker, name)
        _line(right, steps, lambda step: step["seconds"], colour, marker, f"{name}: seconds of speech")
        _line(right, steps, lambda step: step["cpu_seconds"], colour, "", f"{name}: CPU seconds", dashed=True)
    _logarithmic(right.yaxis, right.set_yscale)
    for axes, title in ((left, "faulty texts, %"), (right, "seconds a text")):
        _logarithmic(axes.xaxis, axes.set_xscale)
        axes.set_xlabel("words")
        axes.set_title(title, loc="left", fontsize=9)
        axes.grid(axis="y", linewidth=0.6)
        axes.legend(frameon=False, fontsize=8)
    told = [
        f"{n}: " + ", ".join(f"{s['words']} words {s['faulty']['count']}/{s['faulty']['total']}" for s in steps)
        for n, steps in steps_by_name.items()
    ]
    return [("Bars are 95% intervals", markup(drawing, "ladder", "Faulty texts by length. " + "; ".join(told)))]


def _first(found: tuple[float, float, float] | None) -> float | None:
    return None if found is None else found[0]


def _line(
    axes: Axes, steps: Sequence[Json], pick: Any, colour: str, marker: str, label: str, *, dashed: bool = False
) -> None:
    points = [(step["words"], value) for step in steps if (value := pick(step)) is not None]
    if points:
        style = (0, (5, 2)) if dashed else "-"
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4, linestyle=style, label=label)


def plot_stages(results: Json, claims: Sequence[Claim]) -> Drawn:
    """How far each stage of a pair is from the reference: 1 - cosine, logarithmic, in the order of computing."""
    drawn = []
    for number, (name, row) in enumerate((results.get("pairs") or {}).items()):
        stages = [(stage["name"], stage["cosine"], stage.get("problem")) for stage in row.get("stages", ())]
        finite = [(stage, max(1 - cosine, 1e-9), bad) for stage, cosine, bad in stages if cosine is not None]
        if not finite:
            continue
        drawing = new_plot(10.5, 0.9 + 0.3 * len(finite))
        axes = drawing.subplots()
        for y, (_, far, bad) in enumerate(finite):
            axes.plot([1e-9, far], [y, y], color=SERIES[1] if bad else SERIES[0], linewidth=2)
            axes.plot([far], [y], color=SERIES[1] if bad else SERIES[0], marker="X" if bad else "o", markersize=6)
        _logarithmic(axes.xaxis, axes.set_xscale)
        axes.set_yticks(range(len(finite)), [stage + (" (out)" if bad else "") for stage, _, bad in finite])
        axes.set_ylim(len(finite) - 0.5, -0.5)
        axes.set_xlabel("1 - cosine, logarithmic; the left edge is equal")
        label = "; ".join(f"{stage} {1 - far:.6f}{' out' if bad else ''}" for stage, far, bad in finite)
        drawn.append((name, markup(drawing, f"parity{number}", f"{name}: cosine by stage: {label}")))
    return drawn


def recall(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Share of injected copies found under their own name, by class at its preset dose, lowest first."""
    drawn = []
    for number, (name, one) in enumerate(results.items()):
        rows = [
            row
            for row in (one.get("rows") or () if isinstance(one, dict) else ())
            if row["preset"] and row["injector"] == row["fault"] and row["count"]
        ]
        if not rows:
            continue
        rows.sort(key=lambda row: (row["named"] / row["count"], row["fault"]))
        values = {
            f"{row['fault']} ({row['named']}/{row['count']})": tuple(
                100 * value for value in (row["named"] / row["count"], row["low"], row["high"])
            )
            for row in rows
        }
        drawing = new_plot(10.5, 0.9 + 0.24 * len(rows))
        axes = drawing.subplots()
        _intervals(axes, list(values), values, SERIES[0], "o")
        axes.set_yticks(range(len(values)), list(values))
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xlim(-2, 102)
        axes.grid(axis="x", linewidth=0.6)
        axes.set_xlabel("found under its own name at the preset dose, %")
        told = ", ".join(f"{key} {value[0]:.0f}%" for key, value in values.items())
        drawn.append((f"{name}; bars are 95% intervals", markup(drawing, f"recall{number}", f"{name}, found: {told}")))
    return drawn
