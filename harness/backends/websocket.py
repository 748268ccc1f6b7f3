"""The websocket adapter: text in, audio out over one socket, in JSON or binary frames; a small table says which."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from harness.backends.answered import (
    ANSWER_LIMIT,
    CONNECT_TIMEOUT,
    AnsweredSettings,
    AudioFormat,
    check_address,
    check_secrets,
    timing,
)
from harness.backends.base import BackendAway, BackendFault, BackendRefused, BadAudio, NoAudio
from harness.backends.command_settings import fill, values_of
from harness.backends.events import audio_in, error_in, read_message, value_at
from harness.backends.http_stream import Listening
from harness.backends.outside import OutsideAdapter, check_outside
from harness.backends.settings import read_settings, wrong
from harness.core.records import Capabilities, Computes, Request, Synthesis, Variant

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_LOOK = 0.5  # s between two looks at a silent socket
_LASTING = (401, 402, 403, 404, 405, 407)


class WebsocketSettings(AnsweredSettings):
    """Keys of the adapter ``websocket``. Placeholders: {text_json}, {text}, {voice}, {language}, {seed}, own values."""

    url: str  # ws:// or wss://, with its path
    setup: list[str] = Field(default_factory=list)  # sent first, one message each
    ready: dict[str, object] = Field(default_factory=dict)  # wait for a message with these keys before anything is sent
    say: list[str] = Field(min_length=1)  # sent for a chunk, one message each
    audio: str = "audio"  # where the base64 is in a JSON message; binary messages are audio as they are
    done: dict[str, object] = Field(default_factory=dict)  # the message that ends the audio; else the server closes
    error: str = "error"  # where a JSON message tells an error
    response_format: AudioFormat = "pcm"
    subprotocols: list[str] = Field(default_factory=list)


def check_websocket_settings(variant: Variant) -> WebsocketSettings:
    """Return the settings. Raises ConfigError, one line naming the key, for whatever cannot work."""
    settings = read_settings(WebsocketSettings, variant)
    parts = check_address(variant, settings.url, ("ws", "wss"), "ws://127.0.0.1:8080/tts")
    if parts.username or parts.password:
        raise wrong(variant, "url", "must hold no user or password; keys come from the environment (api_key_env)")
    if not any("{text" in message for message in settings.say):
        raise wrong(variant, "say", "the text never reaches the server: use {text_json} (in quotes already) or {text}")
    check_secrets(settings, variant)
    check_outside(settings, variant)
    return settings


class WebsocketBackend(OutsideAdapter[WebsocketSettings]):
    """One connection a chunk. Notes of a synthesis, under ``websocket``: as those of the adapter ``http``."""

    KIND, CHECK = WebsocketSettings, staticmethod(check_websocket_settings)

    def load(self, variant: Variant) -> Capabilities:
        """Read the settings; nothing is connected yet."""
        settings = self._begin(variant)
        seeded = any("{seed}" in message for message in (*settings.setup, *settings.say))
        details = {"url": settings.url}
        return Capabilities(layout=settings.layout, seeded=seeded, details=details, computes=Computes.ELSEWHERE)

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Ask for one chunk. Raises BackendAway, BackendRefused, NoAudio or BadAudio."""
        settings = self._settings(request.overrides)
        synthesis = Synthesis()
        heard = settings.listening()
        try:
            with _connected(settings) as socket:
                self._ask(socket, settings, request, heard, progress)
            if not heard.data:
                raise NoAudio("the socket gave no audio", synthesis)
            self._note(heard, synthesis)
            settings.take(bytes(heard.data), self._scratch, synthesis)
        except BackendFault as fault:
            self._note(heard, synthesis)
            raise settings.retold(fault, synthesis) from None
        return synthesis

    def reset(self) -> None:
        """Change nothing: a server keeps its state, and only a restart of it clears it."""

    def close(self) -> None:
        """Remove the temporary files."""
        self._remove_files()

    def _note(self, heard: Listening, made: Synthesis) -> None:
        made.ttfa = heard.first_sample
        made.notes = {**made.notes, "websocket": timing(heard)}

    def _ask(
        self,
        socket: ClientConnection,
        settings: WebsocketSettings,
        request: Request,
        heard: Listening,
        progress: Callable[[], None],
    ) -> None:
        """Send the messages of a chunk and listen until it is done. Raises BackendRefused or BadAudio."""
        from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

        values = values_of(request) | {name: str(value) for name, value in settings.values.items()}
        try:
            for message in settings.setup:
                socket.send(fill(message, values))
            while settings.ready and not _like(_next(socket, progress, settings), settings.ready):
                pass
            started = time.monotonic()
            for message in settings.say:
                socket.send(fill(message, values))
            while True:
                answer = _next(socket, progress, settings)
                data = answer if isinstance(answer, bytes) else audio_in(answer, settings.audio)
                heard.feed(data, time.monotonic() - started)
                if len(heard.data) > ANSWER_LIMIT:
                    raise BadAudio(f"more than {ANSWER_LIMIT} bytes in one answer")
                if settings.done and _like(answer, settings.done):
                    return
        except ConnectionClosedOK:
            return
        except ConnectionClosed as error:
            at_bytes = f" after {len(heard.data)} bytes of the answer" if heard.data else ""
            raise BackendRefused(f"connection lost{at_bytes}: {error}") from None


def _connected(settings: WebsocketSettings) -> ClientConnection:
    """Return an open socket. Raises BackendAway where there is none to be had."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus
    from websockets.sync.client import connect

    try:
        return connect(
            settings.url,
            additional_headers=settings.sent_headers,
            subprotocols=settings.subprotocols or None,  # type: ignore[arg-type]
            open_timeout=CONNECT_TIMEOUT,
            max_size=ANSWER_LIMIT,
            **({"proxy": None} if settings.is_here else {}),
        )
    except InvalidStatus as refused:
        status = refused.response.status_code
        raise BackendAway(f"HTTP {status} instead of a socket", lasting=status in _LASTING) from None
    except InvalidHandshake as refused:
        raise BackendAway(f"no websocket at {settings.url}: {refused}", lasting=True) from None
    except (OSError, TimeoutError, EOFError) as error:
        raise BackendAway(f"no connection: {error}".rstrip(": ")) from None


def _next(socket: ClientConnection, progress: Callable[[], None], settings: WebsocketSettings) -> object:
    """Return the next message: bytes, or its JSON, else its text. Raises BackendRefused for an error that it tells."""
    while True:
        try:
            message = socket.recv(timeout=_LOOK)
        except TimeoutError:  # the watchdog decides how long a server may be silent
            continue
        progress()
        if isinstance(message, bytes):
            return message
        answer = read_message(message)
        error = error_in(answer, settings.error) if isinstance(answer, Mapping) else ""
        if error:
            raise BackendRefused(f"the server told an error: {error}")
        return answer if isinstance(answer, Mapping | list) else {"text": message}


def _like(message: object, keys: Mapping[str, object]) -> bool:
    """Whether a JSON message has these values at these paths."""
    return isinstance(message, Mapping) and all(value_at(message, path) == value for path, value in keys.items())
