"""Where the package, its data and the clone around it are: the one place that knows."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package ``harness``."""

DATA = PACKAGE / "data"
"""Tables that ship with the package."""

ROOT = PACKAGE.parent
"""The clone, with suites, corpora and voices beside the package."""

SUITES = ROOT / "suites"

CORPORA = ROOT / "corpora"
