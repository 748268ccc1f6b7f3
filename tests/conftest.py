"""What holds for the harness's own tests, and not for the suites that users run."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Make a warning that the harness's own code gives, or causes where it calls a library, fail the test."""
    config.addinivalue_line("filterwarnings", "error:::harness")
