"""Keys of the adapter ``python``, checked before anything is imported."""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

from pydantic import Field

from harness.backends.command_settings import fill
from harness.backends.inputs import module_files
from harness.backends.outside import OutsideSettings, check_outside, on_path
from harness.backends.settings import read_settings, wrong
from harness.core.records import SeedPolicy, Variant

T = TypeVar("T")
PLACEHOLDERS = ("text", "seed", "voice", "language", "model", "output", "state")
_NAME = re.compile(r"(?:[A-Za-z_][\w.]*|.*\.py)?:[A-Za-z_][\w.]*")
_WHOLE = re.compile(r"\{(\w+)\}")


class PythonSettings(OutsideSettings):
    """Keys of the adapter ``python``."""

    call: str  # module:function, file.py:function, or :method of what ``setup`` returns
    arguments: dict[str, object]  # keyword -> value; placeholders are filled
    python: str | None = None  # interpreter; None: the one of tts-soak
    path: list[str] = Field(default_factory=list)  # folders to import from
    setup: str | None = None  # called once; what it returns is {state}
    setup_arguments: dict[str, object] = Field(default_factory=dict)
    reset: str | None = None
    teardown: str | None = None
    seed_generators: bool = False  # seed random, numpy and torch before each call
    sample_rate: int | None = Field(default=None, ge=1000, le=384000)  # of arrays that come without one

    @property
    def used(self) -> set[str]:
        """Return names of the placeholders in use."""
        return set(_names({**self.arguments, "": self.setup_arguments}))

    def inputs(self, variant: Variant) -> list[Path]:
        """Return the interpreter and the sources of what is called, as far as they lie in the folders of ``path``."""
        folder = self.folder(variant)
        folders = [folder / each for each in self.path] or [folder]
        sources: list[Path] = []
        for name in (self.call, self.setup, self.reset, self.teardown):
            place = (self.located(name, variant) or "").rpartition(":")[0]
            sources += [Path(place)] if place.endswith(".py") else module_files(place, folders)
        return [*sources, *(on_path(self.python, folder, self.env) if self.python is not None else [])]

    def located(self, name: str | None, variant: Variant) -> str | None:
        """Return ``name`` with a file's path made absolute."""
        if name is None or not name.partition(":")[0].endswith(".py"):
            return name
        place, _, attribute = name.partition(":")
        return f"{self.folder(variant) / place}:{attribute}"


def filled(value: T, known: Mapping[str, object]) -> T:
    """Return ``value`` with placeholders filled, in tables and lists too.

    A text that is nothing but a placeholder becomes its value with its type; an unknown one stays as it is.
    """
    return cast(T, _filled(value, known))  # a table stays a table


def _filled(value: object, known: Mapping[str, object]) -> object:
    if isinstance(value, Mapping):
        return {key: _filled(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if not isinstance(value, str):
        return value
    whole = _WHOLE.fullmatch(value)
    if whole and whole.group(1) in known:
        return known[whole.group(1)]
    return fill(value, {name: str(each) for name, each in known.items() if isinstance(each, str | int)})


def _names(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [name for each in value.values() for name in _names(each)]
    if isinstance(value, list):
        return [name for each in value for name in _names(each)]
    return _WHOLE.findall(value) if isinstance(value, str) else []


def check_python_settings(variant: Variant) -> PythonSettings:
    """Return the settings. Raises ConfigError, one line naming the key, for whatever cannot work."""
    settings = read_settings(PythonSettings, variant)
    for key in ("call", "setup", "reset", "teardown"):
        _check_name(settings, variant, key)
    if settings.call.startswith(":") and settings.setup is None:
        raise wrong(variant, "call", f"{settings.call!r} is a method of what setup returns, and there is no setup")
    _check_placeholders(settings, variant)
    if settings.python is not None and shutil.which(settings.python) is None:
        raise wrong(variant, "python", f"no interpreter {settings.python}")
    check_outside(settings, variant)
    folder = settings.folder(variant)
    for name in settings.path:
        if not (folder / name).is_dir():
            raise wrong(variant, "path", f"no folder {folder / name}")
    return settings


def _check_name(found: PythonSettings, variant: Variant, key: str) -> None:
    name = getattr(found, key)
    if name is None:
        return
    if not _NAME.fullmatch(name):
        raise wrong(variant, key, f"{name!r} is not of the form module:function or file.py:function")
    place = (found.located(name, variant) or "").rpartition(":")[0]
    if place.endswith(".py") and not Path(place).is_file():
        raise wrong(variant, key, f"no file {place}")


def _check_placeholders(found: PythonSettings, variant: Variant) -> None:
    for name in found.used:
        close = difflib.get_close_matches(name, PLACEHOLDERS, n=1, cutoff=0.7)
        if name not in PLACEHOLDERS and close:
            raise wrong(variant, "arguments", f"unknown placeholder {{{name}}} (did you mean {{{close[0]}}}?)")
    if "text" not in found.used:
        raise wrong(variant, "arguments", 'the text never reaches the callable: give a keyword the value "{text}"')
    for name, value in (("voice", variant.voice), ("model", found.model), ("state", found.setup)):
        if name in found.used and value is None:
            source = "setup" if name == "state" else name
            raise wrong(variant, "arguments", f"uses {{{name}}}, but the variant has no {source}")
    if variant.seed_policy is SeedPolicy.NONE and ("seed" in found.used or found.seed_generators):
        raise wrong(variant, "arguments", "a seed is used, but the variant's seed_policy is 'none'")
