"""What adapters to something outside of this process share: where it runs, what its log tells, its files."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import Field

from harness.backends.settings import Settings, read_settings, wrong
from harness.core.records import Capabilities, TokenLayout, Variant


class Tokens(Settings):
    """Geometry of the speech tokens that the program reports."""

    codebook_sizes: list[int] = Field(min_length=1)
    frame_seconds: float = Field(gt=0)
    cap: int | None = Field(default=None, ge=1)
    silent: list[int] = Field(default_factory=list)


class OutsideSettings(Settings):
    """Keys of programs, interpreters and servers alike."""

    cwd: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    log: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    fail_on: list[str] = Field(default_factory=list)
    tokens: Tokens | None = None
    model: str | None = None

    @property
    def layout(self) -> TokenLayout | None:
        """Return the geometry of the speech tokens, where it is given."""
        table = self.tokens
        if table is None:
            return None
        return TokenLayout(tuple(table.codebook_sizes), table.frame_seconds, table.cap, tuple(table.silent))

    @property
    def weights(self) -> dict[str, object]:
        """Return ``model_bytes`` where ``model`` is a file, for the details of the capabilities."""
        path = Path(self.model) if self.model else None
        return {"model_bytes": path.stat().st_size} if path is not None and path.is_file() else {}

    def folder(self, variant: Variant) -> Path:
        """Return where it runs: ``cwd``, else the folder of the variants file, else here."""
        base = Path(variant.source).absolute().parent if variant.source else Path.cwd()
        return base / self.cwd if self.cwd else base

    def inputs(self, variant: Variant) -> list[Path]:
        """Return files that decide what is said and that no setting names by its path."""
        return []


def on_path(program: str, folder: Path, env: Mapping[str, str]) -> list[Path]:
    """Return the file that a program's name leads to, in a list that is empty where there is none."""
    location = shutil.which(str(folder / program) if "/" in program else program, path=env.get("PATH"))
    return [Path(location)] if location is not None else []


def check_outside(found: OutsideSettings, variant: Variant) -> None:
    """Raise ConfigError, one line naming the key, for patterns that are none and a folder that is not there."""
    for name, content in found.env.items():
        if not name or "=" in name or "\0" in name + content:
            raise wrong(variant, f"env.{name}", "no variable of an environment: no '=' in its name, no NUL in either")
    for key, value in found.log.items():
        if isinstance(value, dict) and key != "finish_reason":
            raise wrong(variant, f"log.{key}", "must be one regular expression; only finish_reason may be a table")
    listed = [(f"log.{key}", value) for key, value in found.log.items()] + [("fail_on", each) for each in found.fail_on]
    for key, value in listed:
        for pattern in value.values() if isinstance(value, dict) else [value]:
            check_pattern(variant, key, pattern)
    if not found.folder(variant).is_dir():
        raise wrong(variant, "cwd", f"no folder {found.folder(variant)}")


def check_pattern(variant: Variant, key: str, pattern: str) -> None:
    """Raise ConfigError for what is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise wrong(variant, key, f"{pattern!r} is no regular expression: {error}") from None


S = TypeVar("S", bound=OutsideSettings)


class OutsideAdapter(Generic[S]):
    """An adapter to something outside: its variant, its settings for each request, and a folder for its files.

    A subclass names its settings (``KIND``) and what looks at them before anything starts (``CHECK``).
    """

    KIND: type[S]
    CHECK: Callable[[Variant], S]

    def __init__(self) -> None:
        self._variant: Variant | None = None
        self._scratch = Path()

    @classmethod
    def check(cls, variant: Variant) -> None:
        """Raise ConfigError, one line naming the key, for whatever cannot work. Starts and imports nothing."""
        cls.CHECK(variant)

    @classmethod
    def inputs(cls, variant: Variant) -> list[Path]:
        """Return files that decide what is said and that no setting names by its path."""
        return cls.CHECK(variant).inputs(variant)

    def _begin(self, variant: Variant) -> S:
        """Look at the settings and make room for files; what every ``load`` begins with."""
        settings = type(self).CHECK(variant)
        self._variant = variant
        self._scratch = Path(tempfile.mkdtemp(prefix=f"{variant.adapter}-"))
        return settings

    def _settings(self, overrides: Mapping[str, object] | None = None) -> S:
        """Return the settings, with those of one request on top."""
        assert self._variant is not None
        return read_settings(self.KIND, self._variant, overrides)

    def _capable(self, settings: S, *, seeded: bool, resets: bool, details: Mapping[str, object]) -> Capabilities:
        rate = getattr(settings, "sample_rate", None)
        all_details = {**details, **settings.weights}
        return Capabilities(sample_rate=rate, layout=settings.layout, seeded=seeded, resets=resets, details=all_details)

    def _remove_files(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
