"""One night: several suites in one pytest session, compared with a baseline and the runs before."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import ConfigError, SoakError
from harness.engine.night import FOLDER, NightPlan
from harness.plugin.failures import ClaimFailed
from harness.plugin.options import SuiteOptions

if TYPE_CHECKING:
    from harness.report.baseline import Comparison
    from harness.report.digest import Digest
    from harness.report.gates import Gates

KINDS = ("baseline", "last runs")
FIGURES = ("new-faults", "fault-rate", "wer", "speed", "memory")


@dataclass(frozen=True)
class NightlyQuestion:
    """One question of the night: a figure of a variant against the baseline or the last runs."""

    suite: str
    variant: str
    kind: str
    figure: str

    def __str__(self) -> str:
        return f"{self.suite}-{self.variant}-{self.kind.replace(' ', '-')}-{self.figure}"


@dataclass
class Night:
    """What a night has found so far. ``results``: of ``compare_with_baseline``, by suite."""

    plan: NightPlan
    gates: Gates
    baseline: Digest | None
    asked_baseline: bool  # named on the command line: one that does not fit is an error, the plan's is left out
    began: datetime
    runs: dict[str, Path] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    code: int = 0  # the exit code that a suite which could not be run asks for
    results: dict[str, Comparison] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)  # claims and comparisons that fail the night
    reported: list[str] = field(default_factory=list)  # those that would, if the night were asked to gate them

    @classmethod
    def load(cls, config: pytest.Config) -> Night | None:
        """Return the night that the command line asks for.

        Raises ConfigError for a plan, limits or baseline not usable.
        """
        path = config.getoption("nightly")
        if path is None:
            return None
        if config.getoption("resume") is not None:
            raise ConfigError(
                "a night cannot be resumed: start another, or resume one run with pytest suites/... --resume RUN"
            )
        from harness.report.baseline import gates_of, read_baseline

        plan = NightPlan.load(path, config.getoption("night_quick"))
        gates = gates_of(config.getoption("limits"))
        name = config.getoption("baseline") or plan.baseline
        baseline = read_baseline(name, config.getoption("reports")) if name else None
        return cls(plan, gates, baseline, config.getoption("baseline") is not None, datetime.now(UTC))

    def asked(self, config: pytest.Config, folder: Path) -> SuiteOptions:
        """Return the options of a suite. Raises ConfigError for one that the plan does not have."""
        part = self.plan.parts.get(folder.name)
        if part is None:
            raise ConfigError(f"{self.plan.path}: the plan of the night has no suite {folder.name!r}")
        return SuiteOptions(config, part)

    def adopted(self, folder: Path) -> Path | None:
        """Return the run of this night that the suite takes over, if there is one."""
        part = self.plan.parts[folder.name]
        return self.runs.get(part.renditions) if part.renditions is not None else None

    def lost(self, folder: Path, error: Exception) -> str:
        """Note a suite that could not be run, and return what to say: the others go on, and the night is not green."""
        wrong = isinstance(error, SoakError)
        code = error.exit_code if isinstance(error, SoakError) else int(pytest.ExitCode.INTERNAL_ERROR)
        harness = int(pytest.ExitCode.INTERNAL_ERROR)  # weighs more than a suite that was asked for wrongly
        self.code = harness if harness in (self.code, code) else code
        self.problems[folder.name] = str(error) if wrong else f"{type(error).__name__}: {error}"
        told = "" if wrong else "".join(traceback.format_exception(error))
        return f"{folder.name}: could not be run: {self.problems[folder.name]}\n{told}".rstrip()

    def comparisons(self, variants: Mapping[str, list[str]]) -> list[NightlyQuestion]:
        """Return every question of the night; ``variants`` by suite."""
        return [
            NightlyQuestion(suite, variant, kind, figure)
            for suite, part in self.plan.parts.items()
            if part.compare
            for variant in variants.get(suite, ())
            for kind in KINDS
            for figure in FIGURES
        ]

    def compare(self, reports: Path) -> None:
        """Hold every suite that is to be compared against the baseline and the runs before this night."""
        from harness.report.baseline import compare_with_baseline

        for suite, part in self.plan.parts.items():
            if part.compare and suite in self.runs:
                self.results[suite] = compare_with_baseline(
                    self.runs[suite], self.baseline, reports, self.gates, asked=self.asked_baseline
                )

    def check(self, asked: NightlyQuestion) -> None:
        """Pass, fail or skip; a comparison beyond its margin fails only where ``gate`` is on."""
        if asked.suite not in self.results:
            pytest.skip(f"{asked.suite} was not run")
        claims = self.results[asked.suite]["claims"]
        if asked.kind not in claims:
            pytest.skip(f"there is no {'baseline' if asked.kind == 'baseline' else 'earlier run'} to compare with")
        matching = [c for c in claims[asked.kind] if (c["variant"], c["name"]) == (asked.variant, asked.figure)]
        if not matching or matching[0]["passed"] is None:
            pytest.skip(matching[0]["statement"] if matching else f"{asked.kind}: has no such figure")
        if matching[0]["passed"] is False:
            raise ClaimFailed(f"{asked.variant} against the {asked.kind}: {asked.figure}: {matching[0]['statement']}")

    def reports_only(self, item: pytest.Item) -> bool:
        """Return whether a failure of this item is told and does not fail the night."""
        if item.path.parent == FOLDER:
            return not self.gates.gate
        part = self.plan.parts.get(item.path.parent.name)
        return part is not None and not part.gate
