"""``tts-soak``: a thin command line around the same engine and store that pytest uses."""

from harness.cli import about, causes, drive, measure, models, parity, runs, score, suites
from harness.cli.common import main

__all__ = ["about", "causes", "drive", "main", "measure", "models", "parity", "runs", "score", "suites"]
