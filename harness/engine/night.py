"""What a night runs, read from ``suites/nightly/plan.toml``. docs/nightly.md explains every key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, TypeAdapter, ValidationError

from harness.core.errors import ConfigError, nearest, readable_problem, refuse_unknown
from harness.core.paths import SUITES
from harness.core.toml import read_toml

FOLDER = SUITES / "nightly"
PLAN = FOLDER / "plan.toml"


@dataclass(frozen=True, slots=True)
class SuiteEntry:
    """One suite of the night. None: as the suite itself has it."""

    suite: str
    variants: tuple[str, ...] | None = None
    chunks: Annotated[StrictInt, Field(ge=1)] | None = None
    corpus: str | None = None
    scorers: str | None = None
    asr: str | None = None
    confirm: StrictBool = True  # replay faulty chunks
    quiet_chunks: Annotated[StrictInt, Field(ge=0)] | None = None
    replay_most: Annotated[StrictInt, Field(ge=0)] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # over those of every variant; keys of its adapter
    margins: Mapping[str, Any] = field(default_factory=dict)  # over the suite's own table of its limits.toml
    renditions: str | None = None  # an earlier suite of the night whose speech is taken over where it is the same
    compare: StrictBool = False  # with the baseline and the last runs
    gate: StrictBool = False  # its failing claims fail the night; else they are reported

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
        table: object = (data.get("quick") or {}) if quick else data
        if not isinstance(table, Mapping):
            raise ConfigError(f"{path}: quick must be a table")
        if quick:
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


def _part(path: Path, name: str, given: object, usual: object) -> SuiteEntry:
    where = f"{path}: suites.{name}"
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: must be a table, {{}} for the suite as it is")
    refuse_unknown(where, given, [one.name for one in fields(SuiteEntry) if one.name != "suite"])
    try:
        return TypeAdapter(SuiteEntry).validate_python({"suite": name, "variants": usual, **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = "must be a list of names" if first["loc"][0] == "variants" else readable_problem(first["msg"])
        raise ConfigError(f"{where}.{first['loc'][0]}: {problem}, is {first['input']!r}") from None
