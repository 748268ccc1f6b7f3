"""Audio as a server answers with it: its settings, and from bytes to samples."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import SplitResult, urlsplit

from harness.audio import AudioError, container_of, read_audio
from harness.backends.base import BadAudio, NoAudio
from harness.backends.http_stream import Listening
from harness.backends.raw import take_raw
from harness.backends.settings import wrong
from harness.core.errors import NoFrames
from harness.core.records import Synthesis, Variant
from harness.core.records.answered import StreamNote

_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_SECRET_WORD = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CREDENTIALS = {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"}

AudioFormat = Literal["wav", "pcm", "flac", "mp3", "opus"]


class Keyed(Protocol):
    """Settings of a server that asks for a key. The key is read from the environment, and never stored."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def api_key_env(self) -> str | None: ...

    @property
    def api_key_header(self) -> str | None: ...


def key_of(found: Keyed) -> str | None:
    """Return the API key. Never to be stored, printed or sent elsewhere."""
    return os.environ.get(found.api_key_env) if found.api_key_env else None


def headers_of(found: Keyed) -> dict[str, str]:
    """Return the headers that are sent, with the key among them."""
    headers, key = dict(found.headers), key_of(found)
    if key is not None:
        headers[found.api_key_header or "Authorization"] = key if found.api_key_header else f"Bearer {key}"
    return headers


def check_address(variant: Variant, url: str, schemes: tuple[str, str], example: str) -> SplitResult:
    """Return the parts of ``url``. Raises ConfigError where it is no address of one of these schemes."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an end, a port that is no number or too large
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise wrong(variant, "url", f"{url!r} is no address such as {example}")
    return parts


def check_secrets(found: Keyed, variant: Variant) -> None:
    """Raise ConfigError for a key that is written down, has no telling name, or is not there."""
    for header in found.headers:
        if header.lower() in _CREDENTIALS:
            raise wrong(variant, f"headers.{header}", "keys come from the environment only: use api_key_env")
        if not _HEADER_NAME.fullmatch(header):
            raise wrong(variant, "headers", f"{header!r} is no name of a header")
        value = found.headers[header]
        if not (value.isascii() and value.isprintable()):
            raise wrong(variant, f"headers.{header}", f"{value!r} cannot be sent: ASCII on one line only")
    name = found.api_key_env
    if name is None:
        if found.api_key_header is not None:
            raise wrong(variant, "api_key_header", "needs api_key_env, the variable that holds the key")
        return
    if not _SECRET_NAME.fullmatch(name) or not _SECRET_WORD.search(name):
        # the journal recognises secrets by the names of their variables
        example = "a name of capital letters with KEY or TOKEN in it, such as OPENAI_API_KEY"
        raise wrong(variant, "api_key_env", f"must be the name of a variable, {example}")
    if not key_of(found):
        raise wrong(variant, "api_key_env", f"the environment has no {name}")


def take_answer(data: bytes, kind: str, rate: int, channels: int, scratch: Path, made: Synthesis) -> None:
    """Put the samples of an answer into ``made``. ``kind``: an ``AudioFormat``. Raises NoAudio or BadAudio."""
    if kind == "pcm":
        take_raw(data, "PCM_16", channels, rate, made)
        return
    path = scratch / f"answer.{kind}"
    path.write_bytes(data)
    try:
        read = read_audio(path)
    except AudioError as error:
        kind_of = NoAudio if isinstance(error, NoFrames) else BadAudio
        raise kind_of(str(error).replace(str(path), path.name), made) from None
    made.samples, made.sample_rate = read.samples, read.sample_rate
    repairs = [*read.repairs, *_another_format(data, kind)]
    if repairs:
        made.notes = {**made.notes, "repairs": repairs}


def _another_format(data: bytes, asked: str) -> list[str]:
    """Say that a server sent another format than it was asked for, where the bytes show it."""
    came = "WAV" if data[:4] == b"RIFF" else container_of(data)
    same = {"wav": "WAV", "mp3": "MP3", "flac": "FLAC", "opus": "Ogg"}.get(asked, came)
    return [f"{came} where {asked} was asked for"] if came and came != same else []


def timing(heard: Listening) -> StreamNote:
    """Return what a listener had of an answer: bytes and pieces, seconds to the first, gaps, underruns."""
    return {
        "bytes": len(heard.data),
        "pieces": heard.pieces,
        "first_byte": heard.first_byte,
        "longest_gap": heard.longest_gap,
        "underruns": heard.underruns,
        "underrun_seconds": heard.underrun_seconds,
    }
