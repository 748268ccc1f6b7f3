"""An adapter's own keys, checked before anything starts: one line with file, line, variant, key and nearest key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from harness.core.errors import ConfigError, nearest, readable_problem
from harness.core.records import Variant


class Settings(BaseModel):
    """Base of the settings of an adapter: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


S = TypeVar("S", bound=Settings)


def read_settings(kind: type[S], variant: Variant, overrides: Mapping[str, object] | None = None) -> S:
    """Return the variant's settings, with ``overrides`` on top. Raises ConfigError for the first key that is wrong."""
    try:
        return kind.model_validate({**variant.settings, **(overrides or {})})
    except ValidationError as error:
        raise ConfigError(_explain(kind, variant, error)) from None


def wrong(variant: Variant, key: str, problem: str) -> ConfigError:
    """Return the error for one key of a variant's settings."""
    return ConfigError(f"{_place(variant, key)}: {problem}")


def _explain(kind: type[Settings], variant: Variant, error: ValidationError) -> str:
    """Every problem of the settings, one a line."""
    return "\n".join(dict.fromkeys(_explained(kind, variant, one) for one in error.errors()))


def _explained(kind: type[Settings], variant: Variant, one: ErrorDetails) -> str:
    path = [part for part in one["loc"] if not (isinstance(part, str) and ("[" in part or "function-" in part))]
    place = _place(variant, ".".join(map(str, path)))
    if one["type"] == "extra_forbidden":
        keys = _keys_at(kind, path[:-1])
        return f"{place}: unknown key of adapter {variant.adapter!r}{nearest(str(path[-1]), keys)}"
    if one["type"] == "missing":
        return f"{place}: missing, adapter {variant.adapter!r} needs it"
    if one["type"] == "literal_error":
        choices = re.findall(r"'([^']+)'", str(one.get("ctx", {}).get("expected", "")))
        return f"{place}: cannot be {one.get('input')!r}{nearest(str(one.get('input')), choices)}"
    return f"{place}: {readable_problem(str(one['msg']))} (got {one.get('input')!r})"


def _keys_at(kind: type[Settings], path: Iterable[object]) -> list[str]:
    """Keys that are valid below ``path``, following tables and lists of tables."""
    here: type[BaseModel] = kind
    for part in path:
        if not isinstance(part, str) or part not in here.model_fields:
            continue
        inner = _model_in(here.model_fields[part].annotation)
        if inner is None:
            return []
        here = inner
    return [field.alias or name for name, field in here.model_fields.items()]


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        model = _model_in(argument)
        if model is not None:
            return model
    return None


def _place(variant: Variant, key: str) -> str:
    where = f"variants.{variant.name}.settings{'.' if key else ''}{key}"
    if not variant.source:
        return where
    line = _line_of(Path(variant.source), variant.name, key.split(".")[0])
    return f"{variant.source}{f':{line}' if line else ''}: {where}"


def _line_of(source: Path, variant: str, key: str) -> int | None:
    """Line of a key in the variant's own tables or in [defaults]; None where it is not found."""
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    wanted = re.compile(rf"""\s*(?:settings\.)?["']?{re.escape(key)}["']?\s*[=.]""")
    table = ""
    for number, line in enumerate(lines, 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
        if header:
            table = header.group(1).replace('"', "").replace("'", "")
            if table == f"variants.{variant}.settings.{key}":
                return number
        elif wanted.match(line) and (
            table == "defaults" or (f"{table}.").startswith(("defaults.", f"variants.{variant}."))
        ):
            return number
    return None
