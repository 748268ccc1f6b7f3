"""Nights: which runs belong together, how the job ended and why, as small files in ``reports/nights/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NotRequired

from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12 on

from harness.core.documents import parse_model, read_json
from harness.core.durable import write_whole
from harness.core.errors import ConfigError

FOLDER = "nights"
SCHEMA = 1
EXITS = {
    0: "fine",
    1: "a claim failed, or nothing was judged",
    2: "interrupted",
    3: "the harness failed",
    4: "wrong use",
    5: "nothing was selected",
}


class NightlySuite(TypedDict):
    """One suite of a night; ``run`` is None where it could not be run."""

    suite: str
    run: str | None
    problem: str
    seconds: float | None
    gate: bool


class NightRecord(TypedDict):
    """A night as it is written: its exit code and why, its runs, and what was compared."""

    schema: NotRequired[int]
    began_utc: str
    ended_utc: NotRequired[str]
    quick: NotRequired[bool]
    exit: int
    gate: bool
    baseline: str | None
    suites: list[NightlySuite]
    failed: list[str]
    reported: list[str]


def write_night(reports: Path, night: NightRecord) -> Path:
    """Write a night; its name is the time when it began."""
    folder = reports / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{night['began_utc'].replace(':', '').replace('-', '')}.json"
    write_whole(path, json.dumps({"schema": SCHEMA, **night}, indent=1, allow_nan=False))
    return path


def read_nights(reports: Path) -> tuple[list[NightRecord], list[str]]:
    """Return the nights, latest first, and one line for each file that cannot be read."""
    nights, problems = [], []
    for path in sorted((reports / FOLDER).glob("*.json"), reverse=True):
        try:
            night = read_json(path, "record of a night")
            schema = night.get("schema") if isinstance(night, dict) else None
            if schema != SCHEMA:
                raise ConfigError(f"schema {schema!r}")
            nights.append(parse_model(NightRecord, night, "the record of a night"))
        except ConfigError as error:
            problems.append(f"{FOLDER}/{path.name} cannot be read ({error})")
    return nights, problems
