"""What is under test: ``variants.toml`` read into :class:`~harness.core.records.Variant`.

A file has ``[defaults]`` (merged into every variant) and one ``[variants.NAME]`` table a variant; ``settings`` of the
two are merged key by key. Paths are relative to the file. Nothing heavy is imported; the adapter's own keys are
checked by the adapter.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from harness.core.errors import ConfigError, nearest, readable_problem
from harness.core.records import LANGUAGE, SeedPolicy, Variant
from harness.core.toml import parse, read_toml_text

_PATH_KEYS = frozenset({"model", "codec", "manifest", "cwd", "python"})
_PATH_ENDINGS = ("_path", "_dir", "_file", "_json")
_CORES = ("CPU", "GPU")  # spelled as Ray spells them
_LONGEST_NAME = 100  # it becomes the name of a file
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


class _Spec(BaseModel):
    """One ``[variants.NAME]`` table as a user writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    adapter: str
    model: str | None = None
    settings: dict[str, object] = Field(default_factory=dict)
    voice: str | None = None
    voice_prompt: str | None = None
    language: str = "en"
    seed: int = Field(default=0, ge=0, lt=2**32)
    seed_policy: str = SeedPolicy.PER_CHUNK.value
    reference: bool | str = False
    profile: str | None = None
    calibration: str | None = None
    request_timeout: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    progress_timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    retries: int = Field(default=0, ge=0)
    reload_every: int = Field(default=0, ge=0)
    suites: list[str] = Field(default_factory=list)
    asr: str | None = None
    resources: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)


def load_variants(path: Path) -> tuple[Variant, ...]:
    """Read a variants file.

    Raises ConfigError, one line with file, line and key, for anything that cannot be used: not TOML, a wrong key or
    type, no variant at all, two references, a path that is not there.
    """
    text = read_toml_text(path, "variants file")
    return _read_document(path, text, parse(path, text))


def _read_document(path: Path, text: str, document: dict[str, object]) -> tuple[Variant, ...]:
    for key in document:
        if key not in ("defaults", "variants"):
            place = f"{path}:{_line_of(text, None, key)}"
            raise ConfigError(f"{place}: unknown table [{key}]{nearest(key, ['defaults', 'variants'])}")
    defaults, tables = document.get("defaults", {}), document.get("variants", {})
    if not isinstance(tables, dict) or not tables:
        raise ConfigError(f"{path}: no [variants.NAME] table, so nothing to test")
    if not isinstance(defaults, dict):
        raise ConfigError(f"{path}:{_line_of(text, None, 'defaults')}: defaults must be a table [defaults]")
    variants = [_variant(path, text, name, defaults, table) for name, table in tables.items()]
    return _related(path, text, variants)


def _related(path: Path, text: str, found: list[Variant]) -> tuple[Variant, ...]:
    """Tell every variant which one it is judged against: the one it names, else the file's ``reference = true``."""
    usual = [variant.name for variant in found if variant.reference]
    if len(usual) > 1:
        line = _line_of(text, usual[1], "reference")
        how = 'one at most; a family of its own says reference = "NAME" in its variants'
        raise ConfigError(f"{path}:{line}: two references, {usual[0]!r} and {usual[1]!r}; {how}")
    names = {variant.name: variant for variant in found}
    for variant in found:
        if variant.against is None:
            continue
        where = f"{path}:{_line_of(text, variant.name, 'reference')}: variants.{variant.name}.reference"
        if variant.against not in names or variant.against == variant.name:
            others = [name for name in names if name != variant.name]
            raise ConfigError(f"{where}: no other variant {variant.against!r}{nearest(variant.against, others)}")
        if names[variant.against].against is not None:
            raise ConfigError(f"{where}: {variant.against!r} is judged against a reference itself")
    named = {variant.against for variant in found}
    return tuple(
        replace(
            variant,
            reference=variant.reference or variant.name in named,
            against=variant.against or (usual[0] if usual and _judged(variant, usual[0], named) else None),
            family=variant.against is not None,
        )
        for variant in found
    )


def _judged(variant: Variant, usual: str, named: set[str | None]) -> bool:
    return variant.name != usual and variant.name not in named


def _variant(path: Path, text: str, name: str, defaults: dict[str, object], table: object) -> Variant:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}:{_line_of(text, None, name)}: variants.{name} must be a table [variants.{name}]")
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{path}: variant name {name!r} may hold letters, digits and _.+- only")
    if len(name) > _LONGEST_NAME:
        raise ConfigError(f"{path}: variant name {name[:20]!r}... has {len(name)} letters, more than {_LONGEST_NAME}")
    merged = {**defaults, **table}
    settings: dict[str, object] = {}
    for where, holder in (("defaults", defaults), (f"variants.{name}", table)):
        own = holder.get("settings", {})
        if not isinstance(own, dict):
            line = _line_of(text, name, "settings")
            raise ConfigError(f"{path}:{line}: {where}.settings must be a table (got {own!r})")
        settings |= own
    merged["settings"] = settings
    try:
        spec = _Spec.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(path, text, name, error)) from None
    if not LANGUAGE.fullmatch(spec.language):
        where = f"{path}:{_line_of(text, name, 'language')}: variants.{name}.language"
        raise ConfigError(f"{where}: {spec.language!r} is not a BCP-47 tag such as 'en' or 'pt-BR'")
    policies = [policy.value for policy in SeedPolicy]
    if spec.seed_policy not in policies:
        line = _line_of(text, name, "seed_policy")
        raise ConfigError(f"{path}:{line}: seed_policy = {spec.seed_policy!r}{nearest(spec.seed_policy, policies)}")
    for key in spec.resources:
        if key not in _CORES and key.upper() in _CORES:
            line = _line_of(text, name, "resources")
            raise ConfigError(f"{path}:{line}: variants.{name}.resources: {key!r}{nearest(key.upper(), _CORES)}")
    return _build(path, text, name, spec)


def _existing(path: Path, text: str, name: str, key: str, value: str | None, required: bool) -> Path | None:
    """Return the file that a key names, seen from the variants file. Raises ConfigError for one that is needed."""
    if value is None:
        return None
    location = path.resolve().parent / Path(value).expanduser()
    if required and not location.exists():
        beside = [entry.name for entry in location.parent.glob("*")] if location.parent.is_dir() else []
        hint = nearest(location.name, beside) if beside else f" (no folder {location.parent})"
        raise ConfigError(f"{path}:{_line_of(text, name, key)}: variants.{name}.{key}: no file {value!r}{hint}")
    return location


def _build(path: Path, text: str, name: str, spec: _Spec) -> Variant:
    base = path.resolve().parent
    settings = dict(spec.settings)
    if spec.model is not None:
        settings["model"] = spec.model
    for key, value in settings.items():
        if isinstance(value, str) and (key in _PATH_KEYS or key.endswith(_PATH_ENDINGS)):
            settings[key] = str((base / Path(value).expanduser()).absolute())
    existing = partial(_existing, path, text, name)
    if spec.model is not None and ("/" in spec.model or Path(spec.model).suffix):
        existing("model", spec.model, True)
    return Variant(
        name=name,
        adapter=spec.adapter,
        settings=settings,
        voice=spec.voice,
        voice_prompt=existing("voice_prompt", spec.voice_prompt, True),
        seed=spec.seed,
        seed_policy=SeedPolicy(spec.seed_policy),
        reference=spec.reference is True,
        against=spec.reference if isinstance(spec.reference, str) else None,
        language=spec.language,
        request_timeout=spec.request_timeout,
        progress_timeout=spec.progress_timeout,
        retries=spec.retries,
        reload_every=spec.reload_every,
        profile=existing("profile", spec.profile, False),
        calibration=existing("calibration", spec.calibration, False),
        suites=tuple(spec.suites),
        asr=spec.asr,
        resources=spec.resources,
        source=str(path),
    )


def _explain(path: Path, text: str, name: str, error: ValidationError) -> str:
    """Every problem of the table, one a line."""
    return "\n".join({one["loc"][:1]: _explained(path, text, name, one) for one in error.errors()}.values())


def _explained(path: Path, text: str, name: str, one: ErrorDetails) -> str:
    key = str(one["loc"][0]) if one["loc"] else ""
    where = f"{path}:{_line_of(text, name, key)}: variants.{name}.{key}"
    if one["type"] == "extra_forbidden":
        meant = f"; a setting of the adapter goes under [variants.{name}.settings]"
        return f"{where}: unknown key{nearest(key, _Spec.model_fields)}{meant}"
    if one["type"] == "missing":
        return f"{where}: missing (every variant needs it, here or in [defaults])"
    return f"{where}: {readable_problem(str(one['msg']))} (got {one.get('input')!r})"


def _line_of(text: str, variant: str | None, key: str) -> int:
    """Best line for a key: inside the variant's own tables, else [defaults], else anywhere, else 1."""
    lines = text.splitlines()
    wanted = re.compile(rf"\s*(?:\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*(?:=|\]|\.)")
    table, fallback = "", 1
    for number, line in enumerate(lines, 1):
        header = re.match(r"\s*\[([^\]]+)\]", line)
        if header:
            table = header.group(1).strip()
            if variant is not None and table == f"variants.{variant}":
                fallback = number
        if wanted.match(line) and (variant is None or table.startswith((f"variants.{variant}", "defaults"))):
            return number
    return fallback
