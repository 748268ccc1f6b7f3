"""What the suite is asked for, checked, and what it writes of a variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from harness.core.errors import ConfigError, nearest
from harness.core.records import Json, ScorerOptions
from harness.detectors import catalogue
from harness.experiments.limits import suite_limits
from harness.experiments.sensitivity.figures import AlarmCounts
from harness.verdicts.calibration import BUDGET


@dataclass(frozen=True)
class SensitivitySettings:
    """The table ``[sensitivity]`` of the suite's limits file."""

    takes: int = 3  # of every text; the first is the clean twin, the others the reference where no profile is
    clips: int = 80  # at the preset dose: 73 of 73 bound recall at 95%
    clips_heard: int = 80  # the same of the classes that need a transcript, which cost ten times as much
    clips_doses: int = 20  # at every other dose; 0: the preset alone
    minutes: float = 0  # of injecting and scoring; 0: no limit
    classes: tuple[str, ...] = ()  # empty: all
    other: str = ""  # folder with recordings of other voices
    calibrate: bool = False
    budget: float = BUDGET  # false alarms a chunk, all classes together
    seed: int = 0
    recall_min: float = 0.95
    alarms_max: float = 0.004


class SensitivityResult(TypedDict):
    """What was measured on one variant, as it is written."""

    date: str
    seed: int
    texts: int
    limits: str
    limits_key: str
    scorers: dict[str, ScorerOptions]
    alarms: dict[str, AlarmCounts]
    rows: list[Json]
    clean: list[CleanAlarm]
    corpus: NotRequired[str]


class CleanAlarm(TypedDict):
    """A clean chunk with a finding."""

    chunk: str
    why: list[str]


def checked(tables: Mapping[str, Mapping[str, object]]) -> SensitivitySettings:
    """Return the table ``sensitivity`` with its defaults. Raises ConfigError for an unknown key or class."""
    settings = suite_limits(SensitivitySettings, tables, "sensitivity")
    for name in settings.classes:
        if name not in catalogue():
            raise ConfigError(f"limits: sensitivity.classes: unknown fault {name!r}{nearest(name, catalogue())}")
    return settings
