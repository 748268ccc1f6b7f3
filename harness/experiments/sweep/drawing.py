"""Which settings are safe, as a grid."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.records import Claim, Json
from harness.experiments.results import stored_results
from harness.experiments.sweep.run import SweepResult
from harness.report.sections.axes import Drawn
from harness.report.sections.matrices import matrix, unique


def draw_settings(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Draw the settings of a sweep as a grid of two, where there are two; else as a column."""
    drawn = []
    for number, (name, one) in enumerate(stored_results(SweepResult, results).items()):
        settings = one.settings
        if not settings:
            continue
        points = {key: dict(part.partition("=")[::2] for part in key.split(",")) for key in settings}
        names = unique(key for point in points.values() for key in point)
        down, across = (names[0], names[1]) if len(names) == 2 else ("", "")
        cells = {}
        for key, point in points.items():
            faulty, word = settings[key].faulty, settings[key].word
            place = (f"{down} {point.get(down, '')}", f"{across} {point.get(across, '')}") if down else (key, "all")
            text = f"{faulty.count}/{faulty.total} {word}"
            cells[place] = (text, {"safe": True, "unsafe": False}.get(word))
        label = f"{name}: faulty of judged chunks by setting; " + "; ".join(
            f"{k}: {v.word}" for k, v in settings.items()
        )
        rows, columns = unique(r for r, _ in cells), unique(c for _, c in cells)
        drawn.append((f"{name}: faulty of judged chunks", matrix(rows, columns, cells, f"sweep{number}", label)))
    return drawn
