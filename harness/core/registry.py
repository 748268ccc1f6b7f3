"""Lazy lookup of named things, built in or brought by installed packages: listing names imports nothing.

A package offers more of them as entry points (docs/extending.md). Whatever is wrong with it is one line that names it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any, Generic, TypeVar

from harness.core.errors import ConfigError, nearest

PREFIX = "tts_soak."
T = TypeVar("T")


def load_target(target: str) -> Any:
    """Import ``module:attribute`` and return the attribute."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True, slots=True)
class PluginEntry:
    """One entry point of a group of ours, and the distribution that declares it."""

    group: str
    name: str
    target: str
    package: str
    version: str

    def __str__(self) -> str:
        return f"package {self.package} {self.version}, entry point {self.group}: {self.name} = {self.target}"

    def load(self) -> Any:
        """Import and return the target. Raises ConfigError, one line that names the package, whatever it does."""
        try:
            return load_target(self.target)
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise ConfigError(f"{self}: cannot be loaded ({why}); mend or uninstall the package") from None


@cache
def plugin_entries() -> tuple[PluginEntry, ...]:
    """Return the entry points that installed packages declare for the harness; imports none of them."""
    entries: dict[tuple[str, str, str], PluginEntry] = {}
    for distribution in metadata.distributions():
        for point in distribution.entry_points:
            if point.group.startswith(PREFIX):
                key = (point.group, point.name, distribution.name)  # the first on the path hides later copies
                entry = PluginEntry(point.group, point.name, point.value, distribution.name, distribution.version)
                entries.setdefault(key, entry)
    return tuple(entries.values())


def plugin_packages() -> list[str]:
    """Return the names of the packages that extend the harness: they decide speech and verdicts, too."""
    return sorted({entry.package for entry in plugin_entries()})


class Registry(Generic[T]):
    """Names mapped to ``module:attribute`` targets that are imported when first asked for.

    ``group``: the entry points that add to it; ``required``: what their targets must have.
    """

    def __init__(self, kind: str, group: str = "", required: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.group = group
        self._required = required
        self._targets: dict[str, str] = {}

    def add(self, name: str, target: str) -> None:
        """Register ``name``. Raises ValueError when the name is taken by another target."""
        taken = self._targets.get(name)
        if taken is not None and taken != target:
            raise ValueError(f"{self.kind} {name!r} is registered twice: {taken} and {target}")
        self._targets[name] = target

    def plugins(self) -> Mapping[str, PluginEntry]:
        """Return what packages add, by name. Raises ConfigError for a name that two of them, or we, have already."""
        added: dict[str, PluginEntry] = {}
        for entry in plugin_entries() if self.group else ():
            if entry.group != self.group:
                continue
            if entry.name in self._targets or entry.name in added:
                other = f"package {added[entry.name].package}" if entry.name in added else "tts-soak itself"
                raise ConfigError(f"{entry}: the {self.kind} {entry.name!r} is there already, from {other}")
            added[entry.name] = entry
        return added

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._targets, *self.plugins()}))

    def __contains__(self, name: object) -> bool:
        return name in self._targets or name in self.plugins()

    def get(self, name: str, where: str = "") -> T:
        """Import and return the target of ``name``. Raises ConfigError with the nearest name."""
        plugins = self.plugins()
        if name in plugins:
            return self._loaded(plugins[name])
        target = self._targets.get(name)
        if target is None:
            place = f"{where}: " if where else ""
            raise ConfigError(f"{place}unknown {self.kind} {name!r}{nearest(name, self)}")
        loaded: T = load_target(target)
        return loaded

    def _loaded(self, entry: PluginEntry) -> T:
        target: T = entry.load()
        missing = [attribute for attribute in self._required if not hasattr(target, attribute)]
        if missing:
            raise ConfigError(f"{entry}: is no {self.kind}, it lacks {', '.join(missing)}")
        return target
