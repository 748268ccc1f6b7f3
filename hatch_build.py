"""A wheel brings what lies beside the package in a clone; an editable installation finds it in the clone."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = {
    "suites": "harness/suites",
    "corpora": "harness/data/corpora",
    "voices": "harness/data/voices",
    "variants.toml": "harness/data/variants.toml",
}


class BesideThePackage(BuildHookInterface):
    """Adds the folders of a clone to a wheel; harness/core/paths.py knows both places."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them, unless the installation is an editable one, where copies would only grow old."""
        if version != "editable":
            build_data["force_include"].update(INSIDE)
