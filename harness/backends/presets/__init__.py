"""Variants ready to copy for programs that are known already: data in ``*.toml``, one a file.

A file begins with its title and with what has to be set, ``# @key@ = default: meaning``; the rest is the variant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import ConfigError, nearest, refuse_unknown

_FOLDER = Path(__file__).parent
_NEED = re.compile(r"# @(\w+)@ = (.*?): (.*)")


@dataclass(frozen=True)
class Need:
    """Something a preset leaves open."""

    key: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Preset:
    """A variant with places to be filled."""

    name: str
    title: str
    needs: tuple[Need, ...]
    body: str

    def filled(self, given: Mapping[str, str]) -> str:
        """Return the variant as TOML, with ``given`` values, else the defaults.

        Raises ConfigError for an unknown key.
        """
        defaults = {need.key: need.default for need in self.needs}
        refuse_unknown(f"preset {self.name}", given, defaults)
        values = {**defaults, **given}
        return re.sub(r"@(\w+)@", lambda match: _quoted(values[match.group(1)]), self.body)


def names() -> list[str]:
    """Return names of all presets."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def read_preset(name: str) -> Preset:
    """Read a preset. Raises ConfigError with the nearest name."""
    path = _FOLDER / f"{name}.toml"
    if name not in names():
        raise ConfigError(f"unknown preset {name!r}{nearest(name, names())}")
    title, _, rest = path.read_text(encoding="utf-8").partition("\n")
    head, _, body = rest.partition("\n\n")
    needs = tuple(Need(*match.groups()) for match in _NEED.finditer(head))
    return Preset(name, title.removeprefix("# "), needs, body)


def _quoted(value: str) -> str:
    """``value`` as it stands within a basic TOML string."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
