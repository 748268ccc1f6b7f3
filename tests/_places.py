"""Where the clone is, and what may lie beside it, for tests at any depth."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The clone."""

SHARED = ROOT.parent / "shared"
"""Recordings and other material beside the clone, which is not everywhere."""
