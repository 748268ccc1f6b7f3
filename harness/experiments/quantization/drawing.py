"""Divergence and what could be heard, drawn with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.core.records import Claim, Json
from harness.experiments.quantization.metrics import QuantizationMetrics
from harness.experiments.results import stored_results
from harness.report.sections.axes import Drawn, Within, draw_intervals, logarithmic, within
from harness.report.svg import FAINT, MARKERS, SERIES, markup, new_plot


def draw_costs(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Draw the divergence of next-token distributions beside what could be heard, the largest model first."""
    figures = stored_results(QuantizationMetrics, results)
    names = sorted(figures, key=lambda name: -(figures[name].model_bytes or 0))
    panels = [
        (title, scale, {name: value for name in names if (value := pick(figures[name])) is not None})
        for title, scale, pick in _COSTS
    ]
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        return []
    drawing = new_plot(10.5, 0.9 + 0.32 * len(names))
    columns = drawing.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for number, (axes, (title, scale, values)) in enumerate(zip(columns, panels, strict=True)):
        draw_intervals(axes, names, values, SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)])
        axes.set_title(title, loc="left", fontsize=9)
        if scale == "log" and all(value > 0 for value, _, _ in values.values()):
            logarithmic(axes.xaxis, axes.set_xscale)
        elif min(low for _, low, _ in values.values()) <= 0 <= max(high for _, _, high in values.values()):
            axes.axvline(0, color=FAINT, linewidth=0.8)
        axes.grid(axis="x", linewidth=0.6)
    columns[0].set_yticks(range(len(names)), [_named(name, figures[name].model_bytes) for name in names])
    columns[0].set_ylim(len(names) - 0.5, -0.5)
    told = [f"{title}: " + ", ".join(f"{n} {v[0]:.3g}" for n, v in values.items()) for title, _, values in panels]
    title = "What the numbers say beside what could be heard; bars are 95% intervals"
    return [(title, markup(drawing, "cost", "; ".join(told))), *_along(figures)]


def _along(figures: Mapping[str, QuantizationMetrics]) -> Drawn:
    """Draw the divergence along a generation: a line a variant, by the position of the token."""
    lines: dict[str, list[tuple[int, Within]]] = {}
    for name, one in figures.items():
        positions = one.divergence.positions if one.divergence is not None else {}
        points = [
            (int(key.partition("-")[0]), value)
            for key, part in positions.items()
            if (value := within(part.divergence)) is not None and value[0] > 0
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
    logarithmic(axes.xaxis, axes.set_xscale)
    logarithmic(axes.yaxis, axes.set_yscale)
    axes.set_xlabel("speech token of the generation, from")
    axes.set_ylabel("KL, nats a token")
    axes.grid(axis="y", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8)
    told = "; ".join(f"{n}: " + ", ".join(f"from {p + 1} {v[0]:.3g}" for p, v in points) for n, points in lines.items())
    return [("The divergence along a generation; bands are 95% intervals", markup(drawing, "along", told))]


def _divergence(one: QuantizationMetrics) -> Within | None:
    value = one.divergence.speech.divergence if one.divergence is not None else None
    return within(value) if value is not None and value.value > 0 else None


_COSTS: Sequence[tuple[str, str, Callable[[QuantizationMetrics], Within | None]]] = (
    ("KL to the reference, nats a token", "log", _divergence),
    ("faulty chunks, %", "", lambda one: within(one.faulty, 100)),
    ("WER difference, pp", "", lambda one: within(one.wer_difference, 100)),
    ("loss of speaker similarity", "", lambda one: within(one.similarity_loss)),
)


def _named(name: str, size: int | None) -> str:
    return f"{name} ({size / 1e6:.1f} MB)" if size else name
