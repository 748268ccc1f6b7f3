"""Audio that comes in messages rather than as bytes: server-sent events and JSON frames with base64 in them.

OpenAI's ``stream_format: "sse"`` sends ``{"type": "speech.audio.delta", "audio": "<base64>"}``; other servers put the
text elsewhere in the object, which a path of dots says (``choices.0.delta.audio.data``).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from harness.backends.base import BackendRefused, BadAudio

if TYPE_CHECKING:
    import httpx

END = "[DONE]"
SHOWN = 300  # characters of an error that are kept


def value_at(message: object, path: str) -> object:
    """Return what lies at a path of dots, numbers being places of lists; None where there is nothing."""
    here = message
    for part in path.split("."):
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here


def audio_in(message: object, path: str) -> bytes:
    """Return the audio of one message, empty where it has none. Raises BadAudio for what is no base64."""
    value = value_at(message, path) if isinstance(message, Mapping | list) else message
    if not isinstance(value, str) or not value:
        return b""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise BadAudio(f"{path} of a message is not base64: {value[:40]!r}") from None


def error_in(message: object, path: str) -> str:
    """Return the error that a message tells, on one line; empty where it tells none."""
    value = value_at(message, path)
    if not value:
        return ""
    said = value.get("message", value) if isinstance(value, Mapping) else value
    return " ".join(str(said).split())[:SHOWN]


def read_message(text: str) -> object:
    """Return the JSON of a message; the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def audio_of_events(answer: httpx.Response, path: str) -> Iterator[bytes]:
    """Yield the audio of each event of a ``text/event-stream`` as it arrives. Raises BackendRefused for an error."""
    from httpx_sse import EventSource, SSEError

    try:
        for event in EventSource(answer).iter_sse():
            if not event.data or event.data == END:
                continue
            message = read_message(event.data)
            error = error_in(message, "error") or (event.data[:SHOWN] if event.event == "error" else "")
            if error:
                raise BackendRefused(f"the event stream told an error: {error}")
            yield audio_in(message, path)
    except SSEError as problem:
        raise BadAudio(f"not an event stream: {problem}") from None
