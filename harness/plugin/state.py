"""What one pytest session holds for each suite."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.core.errors import SoakError
    from harness.plugin.handle import FinishedRun
    from harness.plugin.night import Night
    from harness.plugin.selection import SuiteContext
    from harness.report.summary import RunSummary


@dataclass
class PluginState:
    """What one pytest session holds for each suite."""

    scenes: dict[Path, SuiteContext] = field(default_factory=dict)
    runs: dict[Path, Path] = field(default_factory=dict)
    soaks: dict[Path, FinishedRun] = field(default_factory=dict)
    summaries: dict[Path, RunSummary] = field(default_factory=dict)
    tables: dict[Path, str] = field(default_factory=dict)  # of experiments, in Markdown
    problem: SoakError | None = None
    night: Night | None = None


STATE = pytest.StashKey[PluginState]()
