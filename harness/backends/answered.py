"""Audio as a server answers with it: its settings, and from bytes to samples."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, quote, urlsplit

from pydantic import Field

from harness.audio import AudioError, container_of, read_audio
from harness.backends.base import BackendAway, BackendFault
from harness.backends.http_stream import Listening
from harness.backends.outside import OutsideSettings
from harness.backends.raw import fault_of, take_raw, take_read
from harness.backends.settings import wrong
from harness.core.records import Synthesis, Variant
from harness.core.records.answered import StreamNote

_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_SECRET_WORD = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CREDENTIALS = {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"}

MARK = "[redacted]"
CONNECT_TIMEOUT = 10.0  # s; how long an answer may take is the watchdog's business
ANSWER_LIMIT = 1 << 30  # bytes

AudioFormat = Literal["wav", "pcm", "flac", "mp3", "opus"]


class AnsweredSettings(OutsideSettings):
    """Keys of every server that answers with audio. Its key is read from the environment, and never stored."""

    url: str
    response_format: AudioFormat = "wav"
    sample_rate: int = Field(default=24000, ge=1000, le=384000)  # of pcm, which does not say
    channels: int = Field(default=1, ge=1, le=64)  # of pcm
    headers: dict[str, str] = Field(default_factory=dict)
    api_key_env: str | None = None  # variable that holds the key; it goes out as ``Authorization: Bearer``
    api_key_header: str | None = None  # the key goes out in this header instead, as it is
    values: dict[str, str | int | float] = Field(default_factory=dict)

    @property
    def key(self) -> str | None:
        """Return the API key. Never to be stored, printed or sent elsewhere."""
        return os.environ.get(self.api_key_env) if self.api_key_env else None

    @property
    def sent_headers(self) -> dict[str, str]:
        """Return the headers that are sent, with the key among them."""
        if self.key is None:
            return self.headers
        named = {self.api_key_header: self.key} if self.api_key_header else {"Authorization": f"Bearer {self.key}"}
        return {**self.headers, **named}

    @property
    def is_here(self) -> bool:
        """Return whether the server is on this machine, of whose ports a proxy of the environment knows nothing."""
        return urlsplit(self.url).hostname in ("127.0.0.1", "::1", "localhost")

    def listening(self) -> Listening:
        """Return a listener for one answer."""
        raw = self.response_format == "pcm"
        return Listening(self.response_format, self.sample_rate * self.channels * 2.0 if raw else None)

    def take(self, data: bytes, scratch: Path, made: Synthesis) -> None:
        """Put the samples of an answer into ``made``. Raises NoAudio or BadAudio."""
        if self.response_format == "pcm":
            take_raw(data, "PCM_16", self.channels, self.sample_rate, made)
            return
        path = scratch / f"answer.{self.response_format}"
        path.write_bytes(data)
        try:
            take_read(read_audio(path), made, _another_format(data, self.response_format))
        except AudioError as error:
            raise fault_of(error, made, path) from None

    def scrubbed(self, text: str) -> str:
        """Return ``text`` without the key: a server may repeat it in what it says."""
        for secret in filter(None, (self.key, quote(self.key or "", safe=""))):
            text = text.replace(secret, MARK)
        return text

    def retold(self, fault: BackendFault, made: Synthesis) -> BackendFault:
        """Return a failure without the key in it; with ``made`` where it holds nothing itself."""
        text = self.scrubbed(str(fault))
        if isinstance(fault, BackendAway):
            return BackendAway(text, fault.partial or made, lasting=fault.lasting)
        return type(fault)(text, fault.partial or made)


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


def check_secrets(found: AnsweredSettings, variant: Variant) -> None:
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
    if not found.key:
        raise wrong(variant, "api_key_env", f"the environment has no {name}")


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
