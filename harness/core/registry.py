"""Lazy lookup of named things: listing names imports nothing, a wrong name gets a suggestion."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from harness.core.errors import ConfigError, nearest

T = TypeVar("T")


def load_target(target: str) -> Any:
    """Import ``module:attribute`` and return the attribute."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


class Registry(Generic[T]):
    """Names mapped to ``module:attribute`` targets that are imported when first asked for."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._targets: dict[str, str] = {}

    def add(self, name: str, target: str) -> None:
        """Register ``name``. Raises ValueError when the name is taken by another target."""
        taken = self._targets.get(name)
        if taken is not None and taken != target:
            raise ValueError(f"{self.kind} {name!r} is registered twice: {taken} and {target}")
        self._targets[name] = target

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._targets))

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def get(self, name: str, where: str = "") -> T:
        """Import and return the target of ``name``. Raises ConfigError with the nearest name."""
        target = self._targets.get(name)
        if target is None:
            place = f"{where}: " if where else ""
            raise ConfigError(f"{place}unknown {self.kind} {name!r}{nearest(name, self._targets)}")
        loaded: T = load_target(target)
        return loaded
