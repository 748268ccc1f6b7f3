"""What a night runs, read from ``suites/nightly/plan.toml``. docs/nightly.md explains every key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from harness.core.errors import ConfigError, nearest, refuse_unknown
from harness.core.paths import SUITES
from harness.core.toml import read_toml

FOLDER = SUITES / "nightly"
PLAN = FOLDER / "plan.toml"


@dataclass(frozen=True, slots=True)
class SuiteEntry:
    """One suite of the night. None: as the suite itself has it."""

    suite: str
    variants: tuple[str, ...] | None = None
    chunks: int | None = None
    corpus: str | None = None
    scorers: str | None = None
    asr: str | None = None
    confirm: bool = True  # replay faulty chunks
    quiet_chunks: int | None = None
    replay_most: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # over those of every variant; keys of its adapter
    margins: Mapping[str, Any] = field(default_factory=dict)  # over the suite's own table of its limits.toml
    renditions: str | None = None  # an earlier suite of the night whose speech is taken over where it is the same
    compare: bool = False  # with the baseline and the last runs
    gate: bool = False  # its failing claims fail the night; else they are reported

    def options(self) -> dict[str, Any]:
        """Return values that stand above those of the command line, by option."""
        named = {
            "chunks": self.chunks,
            "corpus": self.corpus,
            "scorers": self.scorers,
            "asr": self.asr,
            "quiet_chunks": self.quiet_chunks,
            "replay_most": self.replay_most,
            "no_confirm": None if self.confirm else True,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class NightPlan:
    """The suites of a night in their order. ``quick``: the small size of the same file."""

    path: Path
    parts: Mapping[str, SuiteEntry]
    baseline: str | None = None
    quick: bool = False

    @classmethod
    def load(cls, path: Path, quick: bool = False) -> NightPlan:
        """Read a plan. Raises ConfigError naming file and key, and the nearest suite for one that is not there."""
        data = read_toml(path, "plan of the night")
        refuse_unknown(str(path), data, ("variants", "baseline", "suites", "quick"))
        table = data
        if quick:
            table = data.get("quick") or {}
            refuse_unknown(f"{path}: quick", table, ("variants", "suites"))
        suites = table.get("suites")
        if not isinstance(suites, Mapping) or not suites:
            raise ConfigError(f"{path}: {'[quick.suites]' if quick else '[suites]'} names no suite")
        usual = table.get("variants", data.get("variants"))
        parts = {name: _part(path, name, given, usual) for name, given in suites.items()}
        for number, (name, part) in enumerate(parts.items()):
            earlier = list(parts)[:number]
            if part.renditions is not None and part.renditions not in earlier:
                why = f"must name a suite before it, not {part.renditions!r}{nearest(part.renditions, earlier)}"
                raise ConfigError(f"{path}: suites.{name}.renditions: {why}")
        baseline = data.get("baseline")
        if baseline is not None and not isinstance(baseline, str):
            raise ConfigError(f"{path}: baseline: must be the name of a baseline, is {baseline!r}")
        return cls(path, parts, baseline or None, quick)

    def files(self) -> list[Path]:
        """Return the suites' test files in order, the comparison last.

        Raises ConfigError for a suite that is not there.
        """
        there = sorted(path.parent.name for path in SUITES.glob("*/test_*.py"))
        for name in self.parts:
            if name not in there:
                raise ConfigError(f"{self.path}: suites: there is no suite {name!r} in {SUITES}{nearest(name, there)}")
        return [file for name in (*self.parts, FOLDER.name) for file in sorted((SUITES / name).glob("test_*.py"))]


_TYPES: Mapping[str, type] = {
    "chunks": int,
    "corpus": str,
    "scorers": str,
    "asr": str,
    "confirm": bool,
    "quiet_chunks": int,
    "replay_most": int,
    "settings": dict,
    "margins": dict,
    "renditions": str,
    "compare": bool,
    "gate": bool,
}


def _part(path: Path, name: str, given: Any, usual: Any) -> SuiteEntry:
    where = f"suites.{name}"
    if not isinstance(given, Mapping):
        raise ConfigError(f"{path}: {where}: must be a table, {{}} for the suite as it is")
    refuse_unknown(f"{path}: {where}", given, [one.name for one in fields(SuiteEntry) if one.name != "suite"])
    for key, kind in _TYPES.items():
        value = given.get(key)
        wrong = value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool)))
        if wrong or (kind is int and value is not None and value < (key == "chunks")):
            raise ConfigError(f"{path}: {where}.{key}: cannot be {value!r}")
    variants = given.get("variants", usual)
    if variants is not None and not (isinstance(variants, list) and all(isinstance(v, str) for v in variants)):
        raise ConfigError(f"{path}: {where}.variants: must be a list of names, is {variants!r}")
    values = {key: given[key] for key in _TYPES if key in given}
    return SuiteEntry(suite=name, variants=None if variants is None else tuple(variants), **values)
