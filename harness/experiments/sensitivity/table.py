"""Recall and false alarms as Markdown, for the run and for docs/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.detectors import catalogue
from harness.experiments.sensitivity.figures import AlarmCounts, RecallRow, found_dose, injector_of

HEADS = ("class", "made by", "preset dose", "found as such", "95% interval", "found at all", "not judged", "found 90%")


def sensitivity_tables(rows: Sequence[RecallRow], alarms: Mapping[str, AlarmCounts]) -> list[str]:
    """Return the tables of one variant: recall at the preset, recall by dose, alarms on clean speech."""
    return [
        *recall_table(rows),
        "",
        "Recall by dose (found as such / tried):",
        "",
        *dose_table(rows),
        "",
        "Clean speech:",
        "",
        *alarm_table(alarms),
    ]


def recall_table(rows: Sequence[RecallRow]) -> list[str]:
    """Return one line a class and injector at its preset dose."""
    lines = []
    for group in rows_by_injector(rows):
        row = next((one for one in group if one.preset), None)
        if row is None:
            continue
        unit = injector_of(row.fault, row.injector).unit
        edge = found_dose(group)
        cells = (
            row.fault,
            "" if row.injector == row.fault else row.injector,
            f"{row.dose:g} {unit}",
            f"{row.named} of {row.count}" if row.count else "no room",
            f"{row.low:.2f} to {row.high:.2f}" if row.count else "-",
            f"{row.found} of {row.count}" if row.count else "-",
            str(row.not_judged),
            f"{edge:.3g}" if edge is not None and len(group) > 1 else "-",
        )
        lines.append(_row(cells))
    return [_row(HEADS), _row(["---"] * len(HEADS)), *lines]


def dose_table(rows: Sequence[RecallRow]) -> list[str]:
    """Return one line a class and injector with every dose that was tried."""
    lines = []
    for group in rows_by_injector(rows):
        label = group[0].fault + ("" if group[0].injector == group[0].fault else f" ({group[0].injector})")
        shown = ", ".join(f"{row.dose:g}: {row.named}/{row.count}" for row in group)
        lines.append(_row((label, injector_of(group[0].fault, group[0].injector).unit, shown)))
    return [_row(("class", "dose in", "recall")), _row(["---"] * 3), *lines]


def alarm_table(alarms: Mapping[str, AlarmCounts]) -> list[str]:
    """Return one line a kind of material."""
    lines = []
    for kind, counts in alarms.items():
        classes = ", ".join(f"{name} {count}" for name, count in counts["classes"].items()) or "-"
        share = 1000 * counts["alarmed"] / counts["clips"] if counts["clips"] else 0.0
        interval = f"{1000 * counts['low']:.1f} to {1000 * counts['high']:.1f}"
        lines.append(_row((kind, str(counts["clips"]), str(counts["alarmed"]), f"{share:.1f}", interval, classes)))
    heads = ("material", "clips", "with an alarm", "per 1,000", "95% interval", "classes")
    return [_row(heads), _row(["---"] * len(heads)), *lines]


def rows_by_injector(rows: Sequence[RecallRow]) -> list[list[RecallRow]]:
    """Return rows of one class and injector together, in the catalogue's order."""
    groups: dict[tuple[str, str], list[RecallRow]] = {}
    for row in rows:
        groups.setdefault((row.fault, row.injector), []).append(row)
    order = list(catalogue())
    return sorted(groups.values(), key=lambda group: order.index(group[0].fault))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
