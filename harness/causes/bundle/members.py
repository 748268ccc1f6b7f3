"""The members of a bundle. Every text goes through one door, which takes out secrets and the user's home folder."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import TypeVar, cast

from harness.causes.portable import without_paths
from harness.core.durable import whole_file
from harness.core.errors import ConfigError
from harness.store import redact, redact_json
from harness.store.manifest import StoredVariant

T = TypeVar("T")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member: the same finding gives the same bytes


class Members:
    """What is in the zip, by name."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    def text(self, name: str, text: str) -> None:
        """Add a text, as it may be shown to others."""
        self._content[name] = shareable(text).encode("utf-8", "backslashreplace")

    def json(self, name: str, value: object) -> None:
        """Add a value as JSON, as it may be shown to others."""
        self.text(name, json.dumps(shareable_json(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def binary(self, name: str, data: bytes) -> None:
        """Add sound or a picture, which are what was heard and hold no words of the machine."""
        self._content[name] = data

    @property
    def names(self) -> list[str]:
        """Return names of the members so far, in order."""
        return list(self._content)

    def write(self, path: Path) -> None:
        """Write the zip whole or not at all. Raises ConfigError where it cannot be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in self._content.items():
                    member = zipfile.ZipInfo(name, _EPOCH)
                    member.external_attr = 0o644 << 16
                    archive.writestr(member, data, zipfile.ZIP_DEFLATED)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


def shareable(text: str) -> str:
    """Return a text without secrets, by the journal's rules, and with ``~`` for the home folder."""
    home = str(Path.home())
    shown = redact(text)
    return re.sub(rf"{re.escape(home)}(?=/|\b)", "~", shown) if len(home) > 1 else shown


def shareable_json(value: T) -> T:
    """Return a JSON-like value with its texts as they may be shown."""
    return cast(T, _homeless(redact_json(value)))  # texts become texts and tables tables


def _homeless(value: object) -> object:
    if isinstance(value, str):
        return shareable(value)
    if isinstance(value, dict):
        return {key: _homeless(item) for key, item in value.items()}
    return [_homeless(item) for item in value] if isinstance(value, list | tuple) else value


def toml_variant(row: StoredVariant) -> str:
    """Return one variant of a manifest as a variants file, with the names of its files alone."""
    keys = ("adapter", "voice", "seed", "seed_policy", "language", "reload_every")
    lines = ["# Secrets are taken out and files stand by their name: put yours beside this file.", ""]
    lines.append(f"[variants.{json.dumps(row['name'])}]")
    written = dict(row.items())
    lines += [f"{key} = {_toml(written[key])}" for key in keys if written.get(key) is not None]
    settings = without_paths(row.get("settings", {}))
    lines += [f"[variants.{json.dumps(row['name'])}.settings]"] if settings else []
    return "\n".join([*lines, *(f"{json.dumps(key)} = {_toml(value)}" for key, value in settings.items())]) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=True)
