"""The stress suite in a folder of its own, for tests that drive pytest."""

import pytest

from tests._places import ROOT


def stress_suite(pytester: pytest.Pytester, variants: str) -> pytest.Pytester:
    """Return ``pytester`` with the plugin, a copy of the stress suite, and a variants file."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    folder = pytester.mkdir("suites") / "stress"
    folder.mkdir()
    for name in ("test_stress.py", "limits.toml"):
        (folder / name).write_text((ROOT / "suites" / "stress" / name).read_text(encoding="utf-8"), encoding="utf-8")
    (pytester.path / "variants.toml").write_text(variants)
    return pytester
