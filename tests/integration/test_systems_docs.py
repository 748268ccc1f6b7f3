"""docs/systems.md names tests that exist, and every test of a system is named there."""

from __future__ import annotations

import re

from tests._places import ROOT

PAGE = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")


def _defined(pattern: str) -> set[str]:
    return {
        name
        for path in (ROOT / "tests").rglob(pattern)
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }


def test_every_named_test_and_file_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 20
    assert named <= _defined("test_*.py")
    for path in re.findall(r"`(tests/[\w./]+)`", PAGE) + re.findall(r"\((presets/[\w.-]+)\)", PAGE):
        assert (ROOT / path if path.startswith("tests/") else ROOT / "docs" / path).exists(), path


def test_no_item_that_is_tested_is_left_out() -> None:
    beside = {  # of the interfaces themselves, no item of a report
        "test_with_the_embedded_voice_inside",
        "test_the_voice_can_be_made_once_by_itself",
        "test_indextts2_is_driven_and_its_codes_counted",
    }
    systems = _defined("test_systems_cosyvoice.py") | _defined("test_systems_maya1.py")
    systems |= _defined("test_systems_rust.py") | _defined("test_systems_styletts2.py")
    assert systems - beside <= set(re.findall(r"`(test_\w+)`", PAGE))
