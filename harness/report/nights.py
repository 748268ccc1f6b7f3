"""Nights: which runs belong together, how the job ended and why, as small files in ``reports/nights/``."""

from __future__ import annotations

import json
from pathlib import Path

from harness.core.documents import read_json
from harness.core.errors import ConfigError
from harness.core.records import Json

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


def write_night(reports: Path, night: Json) -> Path:
    """Write a night; its name is the time when it began."""
    folder = reports / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{night['began_utc'].replace(':', '').replace('-', '')}.json"
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps({"schema": SCHEMA, **night}, indent=1, allow_nan=False), encoding="utf-8")
    temporary.replace(path)
    return path


def read_nights(reports: Path) -> tuple[list[Json], list[str]]:
    """Return the nights, latest first, and one line for each file that cannot be read."""
    nights, problems = [], []
    for path in sorted((reports / FOLDER).glob("*.json"), reverse=True):
        try:
            night = read_json(path, "record of a night")
            if night["schema"] != SCHEMA:
                raise ValueError(f"schema {night['schema']!r}")
            shown = {
                key: night[key] for key in ("began_utc", "exit", "gate", "suites", "failed", "reported", "baseline")
            }
            nights.append({**shown, "quick": bool(night.get("quick")), "says": EXITS.get(shown["exit"], "unknown")})
        except (ConfigError, OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{FOLDER}/{path.name} cannot be read ({type(error).__name__}: {error})")
    return nights, problems
