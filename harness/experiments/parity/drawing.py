"""How far each stage of a pair is from the reference."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.records import Claim, Json
from harness.experiments.parity.results import PairResult
from harness.experiments.results import stored_results
from harness.report.sections.axes import Drawn, logarithmic
from harness.report.svg import SERIES, markup, new_plot


def draw_stages(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Draw how far each stage of a pair is from the reference: 1 - cosine, logarithmic, in the order of computing."""
    drawn = []
    for number, (name, row) in enumerate(stored_results(PairResult, results.get("pairs")).items()):
        stages = [(stage.name, stage.cosine, stage.problem) for stage in row.stages]
        finite = [(stage, max(1 - cosine, 1e-9), bad) for stage, cosine, bad in stages if cosine is not None]
        if not finite:
            continue
        drawing = new_plot(10.5, 0.9 + 0.3 * len(finite))
        axes = drawing.subplots()
        for y, (_, far, bad) in enumerate(finite):
            axes.plot([1e-9, far], [y, y], color=SERIES[1] if bad else SERIES[0], linewidth=2)
            axes.plot([far], [y], color=SERIES[1] if bad else SERIES[0], marker="X" if bad else "o", markersize=6)
        logarithmic(axes.xaxis, axes.set_xscale)
        axes.set_yticks(range(len(finite)), [stage + (" (out)" if bad else "") for stage, _, bad in finite])
        axes.set_ylim(len(finite) - 0.5, -0.5)
        axes.set_xlabel("1 - cosine, logarithmic; the left edge is equal")
        label = "; ".join(f"{stage} {1 - far:.6f}{' out' if bad else ''}" for stage, far, bad in finite)
        drawn.append((name, markup(drawing, f"parity{number}", f"{name}: cosine by stage: {label}")))
    return drawn
