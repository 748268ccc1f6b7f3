"""``[tool.tts-soak]`` in pyproject.toml: a project's own defaults of options; what a command line says stands above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import ConfigError, refuse_unknown
from harness.core.toml import read_toml

_PATHS = frozenset({"variants", "reports", "limits", "calibration"})
_FLAGS = frozenset({"with-reference", "no-confirm", "stop-early"})
_NUMBERS = frozenset(
    {"chunks", "clients", "jobs", "shards", "patience", "replay-seeds", "replay-most", "quiet-chunks", "seed", "keep"}
)
_TEXTS = frozenset({"corpus", "language", "asr", "asr-device", "normaliser", "scorers", "mos", "speaker", "ray"})
PROJECT_KEYS = _PATHS | _FLAGS | _NUMBERS | _TEXTS | {"variant"}
"""Options that can have a project's default; what is of one command alone (--resume, --nightly) cannot."""


@dataclass(frozen=True)
class ProjectDefaults:
    """The checked table; ``path`` is the file, None where no project has one."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def where(self, key: str) -> str:
        """Return the place of a key, for messages."""
        return f"{self.path}: tool.tts-soak.{key}"


def project_defaults(here: Path) -> ProjectDefaults:
    """Return the defaults of the project that ``here`` lies in: the nearest pyproject.toml above that has the table.

    Paths are relative to that file. Raises ConfigError, one line with file and key, for what is no option or no value.
    """
    for folder in (here, *here.parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        tools = read_toml(path, "project file").get("tool")
        table = tools.get("tts-soak") if isinstance(tools, dict) else None
        if table is not None:
            return _checked_table(path, table)
    return ProjectDefaults()


def _checked_table(path: Path, table: Any) -> ProjectDefaults:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.tts-soak must be a table")
    refuse_unknown(f"{path}: tool.tts-soak", table, PROJECT_KEYS)
    return ProjectDefaults(path, {key: _checked_value(path, key, value) for key, value in table.items()})


def _checked_value(path: Path, key: str, value: Any) -> Any:
    where = f"{path}: tool.tts-soak.{key}"
    if key in _FLAGS:
        if not isinstance(value, bool):
            raise ConfigError(f"{where}: must be true or false, is {value!r}")
    elif key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{where}: must be a number, is {value!r}")
    elif key == "variant":
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"{where}: must be a name or a list of names, is {value!r}")
        return names
    elif not isinstance(value, str):
        raise ConfigError(f"{where}: must be a text, is {value!r}")
    elif key in _PATHS or (key == "corpus" and (path.parent / value).is_file()):
        return str(path.parent / Path(value).expanduser())
    return value
