"""What the suite claims: the classes are found at their presets, and clean speech raises no alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.core.records import Claim
from harness.experiments.sensitivity.figures import RecallRow, alarms
from harness.stats import at_most


def recall_claims(
    variant: str,
    rows: Sequence[RecallRow],
    clean: Mapping[str, Sequence[tuple[str, ...]]],
    recall_min: float,
    alarms_max: float,
) -> list[Claim]:
    """Return the claims ``recall`` and ``false-alarms`` about one variant."""
    return [_recall(variant, rows, recall_min), _alarms(variant, clean, alarms_max)]


def _recall(variant: str, rows: Sequence[RecallRow], least: float) -> Claim:
    """Every class at its preset, by its first injector; fails where the whole interval lies below ``least``."""
    preset = [row for row in rows if row.preset and row.injector == row.fault and row.count]
    good = [row for row in preset if row.low >= least]
    bad = [row for row in preset if row.high < least]
    open_ = [row for row in preset if row not in good and row not in bad]
    statement = f"{len(good)} of {len(preset)} classes are found at their preset dose with a lower bound of {least:.0%}"
    if bad:
        statement += f"; found too rarely: {'; '.join(_said(row) for row in bad)}"
    if open_:
        statement += f"; cannot be told from so few: {'; '.join(_said(row) for row in open_)}"
    passed = None if not preset else False if bad else None if open_ else True
    details = {"good": [r.fault for r in good], "bad": [r.fault for r in bad], "open": [r.fault for r in open_]}
    return Claim("recall", variant, statement, passed, None, None, least, len(preset), details)


def _alarms(variant: str, clean: Mapping[str, Sequence[tuple[str, ...]]], most: float) -> Claim:
    counts = alarms(clean)["all"]
    count, alarmed = counts["clips"], counts["alarmed"]
    if not count:
        return Claim("false-alarms", variant, "nothing was spoken", False, None, None, most, 0)
    low, high = counts["low"], counts["high"]
    statement = f"{alarmed} of {count} clean chunks raise an alarm ({low:.1%} to {high:.1%})"
    statement += f": {', '.join(f'{name} {n}' for name, n in counts['classes'].items())}" if alarmed else ""
    statement += f"; at most {most:.1%} are allowed for"
    passed = at_most((low, high), most)
    return Claim("false-alarms", variant, statement, passed, alarmed / count, (low, high), most, count)


def _said(row: RecallRow) -> str:
    return f"{row.fault} {row.named} of {row.count}"
