"""A suite declares what it claims: a claim that nobody makes is refused when tests are collected, with its line."""

from __future__ import annotations

import pytest

from harness.core.errors import ConfigError
from harness.core.suites import DECLARED_SUITES, suite_of
from harness.plugin.claims_asked import claims_named
from tests._places import ROOT

SUITES = ROOT / "suites"
VARIANTS = """
[variants.v]
adapter = "null"
[variants.v.settings]
mode = "speechlike"
"""
TESTS = """
def test_a_claim(soak, variant):
    soak.claim(variant, "fault-rat")
"""


def test_a_misspelled_claim_is_refused_before_anything_is_spoken(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("pytest_plugins = ['harness.plugin']")
    folder = pytester.mkdir("stress")
    (folder / "test_own.py").write_text(TESTS)
    (folder / "limits.toml").write_text("")
    pytester.path.joinpath("variants.toml").write_text(VARIANTS)
    result = pytester.runpytest("stress", "--variants", "variants.toml", "--chunks", "2", "--scorers", "none")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "\n".join([*result.outlines, *result.errlines])
    assert "test_own.py:3: the suite stress makes no claim 'fault-rat' (did you mean 'fault-rate'?)" in told
    assert not (pytester.path / "reports").exists()


def test_every_claim_that_the_shipped_tests_name_is_made() -> None:
    for name in DECLARED_SUITES:
        (file,) = SUITES.glob(f"**/{name}/test_*.py")
        claims = [claim for _, claim in claims_named(file.read_text())]
        assert claims, name
        assert set(claims) <= suite_of(name).claims


def test_what_is_declared_can_be_imported() -> None:
    for name in DECLARED_SUITES:
        suite = suite_of(name)
        assert suite.is_soak or callable(suite.carry_out())


def test_sessions_without_a_suite_import_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_other():
            heavy = {"numpy", "pydantic", "rich", "harness.scorers", "harness.core.records"}
            assert not heavy & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "harness.plugin")
    assert result.ret == pytest.ExitCode.OK, result.stdout.str()


def test_collecting_a_suite_imports_nothing_that_only_a_run_needs(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import sys

        pytest_plugins = ["harness.plugin"]

        def pytest_collection_finish():
            heavy = {"rich", "scipy", "torch", *(f"harness.{name}" for name in ("scorers", "detectors", "report"))}
            assert not heavy & set(sys.modules)
        """
    )
    folder = pytester.mkdir("stress")
    (folder / "test_own.py").write_text("def test_clean(soak, chunk): ...")
    (folder / "limits.toml").write_text("")
    pytester.path.joinpath("variants.toml").write_text(VARIANTS)
    result = pytester.runpytest_subprocess("stress", "--variants", "variants.toml", "--chunks", "2", "--collect-only")
    assert result.ret == pytest.ExitCode.OK, result.stdout.str()
    assert "2 tests collected" in result.stdout.str()


def test_a_folder_of_the_users_own_is_a_soak() -> None:
    own = suite_of("mine")
    assert own.is_soak and own.name == "mine"
    with pytest.raises(ConfigError, match="mine makes no claim 'x'"):
        own.check_claim("x", "there")
