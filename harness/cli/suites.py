"""``tts-soak SUITE``: a suite by its name, wherever the package is installed."""

from __future__ import annotations

import click

from harness.cli.common import become_pytest, main
from harness.core.paths import SUITES


def _add_suite(name: str) -> None:
    @main.command(name, context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def suite_command(arguments: tuple[str, ...]) -> None:
        become_pytest([str(SUITES / name), *arguments])

    suite_command.help = (
        f"Run the suite {name}: `pytest suites/{name}`, or `pytest --pyargs harness.suites.{name}` where it is "
        "installed; ARGUMENTS go to pytest (-k, --variants, --chunks, ...). Exit codes are pytest's."
    )
    suite_command.short_help = f"Run the suite {name}; ARGUMENTS go to pytest."


for _folder in sorted(path.parent for path in SUITES.glob("*/test_*.py")):
    if _folder.name not in main.commands:  # nightly, parity and sensitivity have commands of their own
        _add_suite(_folder.name)
