"""The steps of the walk, each a command as a stranger would type it, with its seconds and exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

FINE = (0, 1)  # of pytest: fine, or something was found
TAIL = 25  # lines shown of a step that went wrong


@dataclass(frozen=True)
class Step:
    """One command: what for, how long (s), how it ended."""

    name: str
    seconds: float
    code: int
    fine: bool


@dataclass
class Walk:
    """A clone in an empty folder, and what was done in it."""

    folder: Path
    steps: list[Step] = field(default_factory=list)
    _python: str = sys.executable

    @property
    def home(self) -> Path:
        """Return the clone."""
        return self.folder / "tts-soak"

    def latest(self) -> Path:
        """Return the newest run."""
        return self.home / "reports" / "latest"

    def clone(self, source: Path) -> None:
        """Clone the repository as it was committed."""
        self._do("clone", ["git", "clone", "--quiet", "--no-hardlinks", str(source), str(self.home)], self.folder)

    def install(self) -> None:
        """Make a virtual environment in the clone and install into it."""
        place = self.home / ".venv"
        self._do("virtual environment", [sys.executable, "-m", "venv", str(place)], self.home)
        self._python = str(place / "bin" / "python")
        pip = [self._python, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "."]
        self._do("install", pip, self.home)

    def variants(self, preset: str, given: Sequence[str]) -> None:
        """Write the variants file of the stranger's engine from a preset."""
        more = [part for pair in given for part in ("--set", pair)]
        text = self._do("variants file", [self._python, "-m", "harness.cli", "presets", preset, *more], self.home)
        (self.home / "mine.toml").write_text(text, encoding="utf-8")

    def soak(self, name: str, options: Sequence[str]) -> None:
        """Run the stress suite on that file; finding faults is no failure of the walk."""
        command = [self._python, "-m", "pytest", "suites/stress", "--variants", "mine.toml", "-q", *options]
        self._do(name, command, self.home, fine=FINE)

    def listed(self) -> None:
        """List the runs."""
        self._do("tts-soak runs", [self._python, "-m", "harness.cli", "runs"], self.home)

    def _do(self, name: str, command: Sequence[str], cwd: Path, fine: Sequence[int] = (0,)) -> str:
        began = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(self.home)}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        step = Step(name, time.monotonic() - began, done.returncode, done.returncode in fine)
        self.steps.append(step)
        if not step.fine:
            print("\n".join((done.stdout + done.stderr).splitlines()[-TAIL:]), file=sys.stderr)
        return done.stdout


def table(steps: Sequence[Step]) -> str:
    """Return the steps in Markdown."""
    ends = [str(step.code) if step.fine else f"FAILED ({step.code})" for step in steps]
    rows = [f"| {step.name} | {step.seconds:.0f} s | {end} |" for step, end in zip(steps, ends, strict=True)]
    return "\n".join(["| step | took | exit code |", "|---|---:|---:|", *rows])
