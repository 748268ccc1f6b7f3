"""Keys of the adapter ``http``, checked before anything is asked."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.backends.answered import AnsweredSettings, check_address, check_secrets
from harness.backends.outside import check_outside, on_path
from harness.backends.settings import read_settings, wrong
from harness.core.records import Request, Variant


class HttpSettings(AnsweredSettings):
    """Keys of the adapter ``http``. ``model``, ``log`` and ``fail_on`` are of a server of one's own."""

    url: str  # scheme, host and port; {port} is a free one where the server is started here
    path: str = "/v1/audio/speech"
    served_model: str | None = None  # the field ``model``
    stream_format: Literal["audio", "sse"] = "audio"  # sse: server-sent events with base64 in them
    sse_audio: str = "audio"  # where the base64 is in an event; dots lead into tables and lists
    text_field: str = "input"  # where the text goes; dots lead into tables
    seed_fields: list[str] = Field(default_factory=lambda: ["seed"])  # dots lead into tables
    fields: dict[str, object] = Field(default_factory=dict)  # sent besides
    busy_retries: int = Field(default=3, ge=0, le=100)  # after 429, 503, and 5xx with Retry-After
    busy_wait: float = Field(default=30.0, ge=0)  # s, longest wait before one of them
    start: list[str] = Field(default_factory=list)  # command of a server of one's own
    ready: str = "/"  # path that answers (anything below 500) once that server is up

    def inputs(self, variant: Variant) -> list[Path]:
        """Return the program of a server of one's own."""
        return on_path(self.start[0], self.folder(variant), self.env) if self.start else []

    def body(self, request: Request) -> dict[str, object]:
        """Return the JSON that is sent for a request."""
        named = {
            "stream_format": "sse" if self.stream_format == "sse" else None,
            "model": self.served_model,
            "voice": request.voice,
        }
        body = _merged({"response_format": self.response_format}, _nested(self.text_field, request.text))
        body |= {name: value for name, value in named.items() if value is not None}
        body = _merged(body, self.fields)
        if request.seed is not None:
            for name in self.seed_fields:
                body = _merged(body, _nested(name, request.seed))
        return body


def _nested(name: str, value: object) -> dict[str, object]:
    *tables, key = name.split(".")
    nested = {key: value}
    for table in reversed(tables):
        nested = {table: nested}
    return nested


def _merged(body: Mapping[str, object], more: Mapping[str, object]) -> dict[str, object]:
    merged = dict(body)
    for key, value in more.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = _merged(below, value)
        merged[key] = value
    return merged


def check_http_settings(variant: Variant) -> HttpSettings:
    """Return the settings. Raises ConfigError, one line naming the key, for whatever cannot work."""
    settings = read_settings(HttpSettings, variant)
    _check_url(settings, variant)
    check_secrets(settings, variant)
    _check_start(settings, variant)
    for setting, names in (("text_field", [settings.text_field]), ("seed_fields", settings.seed_fields)):
        for name in names:
            if not all(name.split(".")):
                raise wrong(variant, setting, f"{name!r} is no name of a field")
    for name in settings.seed_fields:
        if f"{name}.".startswith(f"{settings.text_field}.") or f"{settings.text_field}.".startswith(f"{name}."):
            raise wrong(variant, "seed_fields", f"{name!r} is where the text goes (text_field)")
    for key in (settings.text_field, "response_format"):
        if key in settings.fields:
            raise wrong(variant, f"fields.{key}", "is set by the adapter itself")
    check_outside(settings, variant)
    return settings


def _check_url(found: HttpSettings, variant: Variant) -> None:
    parts = check_address(variant, found.url.replace("{port}", "1"), ("http", "https"), "http://127.0.0.1:8080")
    if parts.username or parts.password or parts.query:
        raise wrong(
            variant, "url", "must hold no user, password or query; keys come from the environment (api_key_env)"
        )
    if parts.path not in ("", "/"):
        raise wrong(variant, "url", f"ends in a path; write it as path = {parts.path!r} (default: {found.path!r})")
    if not found.path.startswith("/"):
        raise wrong(variant, "path", f"{found.path!r} must begin with a slash")
    if "{port}" in found.url and not found.start:
        raise wrong(variant, "url", "uses {port}, which only a server of one's own has (key start)")


def _check_start(found: HttpSettings, variant: Variant) -> None:
    if not found.start:
        for key in ("model", "log", "fail_on"):
            if getattr(found, key):
                hint = "; the name that is sent is served_model" if key == "model" else ""
                raise wrong(variant, key, f"is for a server that is started here (key start){hint}")
        return
    folder, program = found.folder(variant), found.start[0]
    if not folder.is_dir():
        raise wrong(variant, "cwd", f"no folder {folder}")
    if shutil.which(str(folder / program) if "/" in program else program, path=found.env.get("PATH")) is None:
        raise wrong(variant, "start", f"no program {program!r}")
