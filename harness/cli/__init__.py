"""``tts-soak``: a thin command line around the same engine and store that pytest uses."""

from harness.cli import about, bisect, causes, drive, export, measure, models, parity, runs, score, suites, table
from harness.cli.common import main

__all__ = [
    "about",
    "bisect",
    "causes",
    "drive",
    "export",
    "main",
    "measure",
    "models",
    "parity",
    "runs",
    "score",
    "suites",
    "table",
]
