"""Trials counted: recall by dose with exact intervals, the dose found 90% of the time, false alarms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict

from pydantic import TypeAdapter

from harness import stats
from harness.core.records import Json
from harness.detectors import catalogue
from harness.detectors.base import Injector
from harness.experiments.sensitivity.trial import InjectionTrial, TrialOutcome

WANTED = 0.9  # of the injected copies
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class RecallRow:
    """One class and injector at one dose. ``named``: found under its own name; ``found``: under any; of ``count``."""

    fault: str
    injector: str
    dose: float
    preset: bool
    count: int
    named: int
    found: int
    not_judged: int
    no_room: int
    low: float  # exact interval of named / count (Clopper and Pearson 1934)
    high: float

    @property
    def recall(self) -> float | None:
        """Return the share found under its own name; None where nothing was tried."""
        return self.named / self.count if self.count else None


def recall_rows(tried: Sequence[InjectionTrial]) -> list[RecallRow]:
    """Return one row a class, injector and dose, in the catalogue's order, doses rising.

    Copies that could not be judged count as not found; clips without room for the fault do not count.
    """
    groups: dict[tuple[str, str, float], list[InjectionTrial]] = {}
    for one in tried:
        groups.setdefault((one.fault, one.injector, one.dose), []).append(one)
    rows = []
    for (fault, label, dose), group in groups.items():
        answers = [one.answer for one in group]
        count = len(answers) - answers.count(TrialOutcome.NO_ROOM)
        named = answers.count(TrialOutcome.FOUND)
        low, high = stats.clopper_pearson(named, count, LEVEL) if count else (0.0, 1.0)
        injector = injector_of(fault, label)
        rows.append(
            RecallRow(
                fault,
                label,
                dose,
                dose == injector.preset,
                count,
                named,
                named + answers.count(TrialOutcome.OTHERWISE),
                answers.count(TrialOutcome.NOT_JUDGED),
                answers.count(TrialOutcome.NO_ROOM),
                low,
                high,
            )
        )
    order = list(catalogue())
    return sorted(rows, key=lambda row: (order.index(row.fault), _place(row), row.dose))


def injector_of(fault: str, label: str) -> Injector:
    """Return the injector of a class by the name it is listed under."""
    return next(i for i in catalogue()[fault].injectors if (i.name or fault) == label)


def _place(row: RecallRow) -> int:
    return [i.name or row.fault for i in catalogue()[row.fault].injectors].index(row.injector)


def found_dose(rows: Sequence[RecallRow]) -> float | None:
    """Return the dose found 90% of the time: between the last dose below and the first that stays at or above, by
    logarithm.

    ``rows`` of one injector, doses rising. None where the largest dose is found more rarely; the smallest dose tried
    where all are found that often.
    """
    judged = [row for row in rows if row.recall is not None]
    if not judged or (judged[-1].recall or 0.0) < WANTED:
        return None
    first = len(judged) - 1
    while first > 0 and (judged[first - 1].recall or 0.0) >= WANTED:
        first -= 1
    if first == 0:
        return judged[0].dose
    a, b = judged[first - 1], judged[first]
    low, high = a.recall or 0.0, b.recall or 0.0
    way = (WANTED - low) / (high - low)
    if a.dose > 0 and b.dose > 0:
        return math.exp(math.log(a.dose) + way * (math.log(b.dose) - math.log(a.dose)))
    return a.dose + way * (b.dose - a.dose)


class AlarmCounts(TypedDict):
    """False alarms on one kind of material: clips, clips with any alarm, its exact interval, clips by class."""

    clips: int
    alarmed: int
    low: float
    high: float
    classes: dict[str, int]


def alarms(clean: Mapping[str, Sequence[tuple[str, ...]]]) -> dict[str, AlarmCounts]:
    """Return the false alarms by kind of material: clips, clips with any alarm, exact interval, clips by class."""
    result: dict[str, AlarmCounts] = {}
    for kind, by_group in {**clean, "all": [names for group in clean.values() for names in group]}.items():
        by_class: dict[str, int] = {}
        for names in by_group:
            for name in names:
                by_class[name] = by_class.get(name, 0) + 1
        alarmed = sum(bool(names) for names in by_group)
        low, high = stats.clopper_pearson(alarmed, len(by_group), LEVEL) if by_group else (0.0, 1.0)
        result[kind] = {
            "clips": len(by_group),
            "alarmed": alarmed,
            "low": low,
            "high": high,
            "classes": dict(sorted(by_class.items(), key=lambda pair: -pair[1])),
        }
    return result


def recall_rows_json(rows: Sequence[RecallRow]) -> list[Json]:
    """Return rows as plain JSON."""
    return [asdict(row) for row in rows]


def from_json(rows: object) -> list[RecallRow]:
    """Return the inverse of :func:`as_json`."""
    return TypeAdapter(list[RecallRow]).validate_python(rows)
