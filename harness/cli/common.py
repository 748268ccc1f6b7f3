"""The command group, the options that commands share, and errors as one line."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from harness.core import __version__
from harness.core.errors import ConfigError, SoakError, nearest
from harness.core.paths import CLONE, default_reports, default_variants
from harness.core.project import project_defaults

if TYPE_CHECKING:
    from harness.core.records import Variant


UNFINISHED = 2
"""Exit code of a search that was stopped and goes on with --resume."""

REPORTS = click.option(
    "--reports", type=click.Path(path_type=Path), default=lambda: default_reports(Path.cwd()), help="where runs are"
)


def _run_ids(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    reports = Path(ctx.params.get("reports") or default_reports(Path.cwd()))
    return sorted(path.parent.name for path in reports.glob(f"{glob.escape(incomplete)}*/manifest.json"))


RUN = click.argument("run", required=False, shell_complete=_run_ids)
VARIANTS = click.option(
    "--variants",
    type=click.Path(path_type=Path),
    default=lambda: default_variants(Path.cwd()),
    help="variants file (TOML)",
)


# what means the same to every command that has it; the others are pytest's alone
_SHARED = ("variants", "reports", "corpus", "language", "asr", "asr-device")


def _project_defaults(group: click.Group) -> dict[str, dict[str, object]]:
    """Return the defaults of the project, by command and parameter, as click takes them."""
    values = project_defaults(Path.cwd()).values
    return {
        name: {
            str(parameter.name): values[key]
            for parameter in command.params
            for key in _SHARED
            if key in values and f"--{key}" in parameter.opts
        }
        for name, command in group.commands.items()
    }


class _OneLineErrors(click.Group):
    """A user's error prints as one line and ends with its exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            ctx.default_map = _project_defaults(self)
            return super().invoke(ctx)
        except SoakError as error:
            from harness.terminal import printable_redacted

            click.echo(printable_redacted(f"tts-soak: {error}"), err=True)
            sys.exit(error.exit_code)


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tts-soak")
def main() -> None:
    """Soak test for text-to-speech. The test itself: `tts-soak stress -k NAME`, that is `pytest suites/stress`."""


def become_pytest(arguments: Sequence[str]) -> NoReturn:
    """Replace this process by pytest: its signals and its exit code are the command's own."""
    rooted = [] if CLONE is not None else [f"--rootdir={Path.cwd()}"]  # its cache goes here, not among the packages
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *rooted, *arguments])


def variant_named(path: Path, name: str) -> Variant:
    """Return one variant of a file, looked at by its adapter. Raises ConfigError with the nearest name."""
    from harness.backends import ADAPTERS
    from harness.core.variants import load_variants
    from harness.store import remember_secrets, secrets_in

    by_name = {each.name: each for each in load_variants(path)}
    if name not in by_name:
        raise ConfigError(f"{path}: unknown variant {name!r}{nearest(name, by_name)}")
    ADAPTERS.get(by_name[name].adapter, f"{path}: variants.{name}.adapter").check(by_name[name])
    remember_secrets(secrets_in(by_name[name].settings))
    return by_name[name]


_SHOWN = 200  # characters of a name in a message


def _is_run(path: Path) -> bool:
    try:
        return (path / "manifest.json").is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def run_path(run: str | None, reports: Path) -> Path:
    """Return the directory of a run by its id, or of the latest. Raises ConfigError with the nearest id."""
    from harness.store import latest
    from harness.store import list_runs as all_runs

    if run is None:
        return latest(reports)
    path = reports / run
    if not _is_run(path):
        names = [info.run_id for info in all_runs(reports)]
        raise ConfigError(f"{reports}: no run {run[:_SHOWN]!r}{nearest(run[:_SHOWN], names)}")
    return path
