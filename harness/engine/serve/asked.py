"""What a client of the speech server asks for, read from the body of its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from harness.core.documents import parse_json
from harness.core.errors import ConfigError
from harness.engine.serve.encode import CONTENT_TYPES

STREAMED = ("wav", "pcm")


class Refused(Exception):
    """An answer that is an error: HTTP status, code, message."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after


@dataclass(frozen=True, slots=True)
class SpeechAsked:
    """What one request asks for; ``format`` is the name of a kind of audio."""

    text: str
    seed: int | None
    format: str
    voice: str | None
    stream: bool


def _known_format(name: str) -> str:
    if name not in CONTENT_TYPES:
        raise ValueError("no such format")
    return name


class _SpeechBody(BaseModel):
    """The JSON of a request, as OpenAI's clients write it; keys that are not here are theirs."""

    model_config = ConfigDict(strict=True)

    input: Annotated[str, Field(pattern=r"\S")]
    response_format: Annotated[str, AfterValidator(_known_format)] = "wav"
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    voice: str | None = None
    stream: bool | None = None


_CODES = {"response_format": "format"}
_MUST_BE = {
    "input": "a text that is not empty",
    "response_format": f"one of {', '.join(CONTENT_TYPES)}",
    "seed": "an integer from 0 to 4294967295",
    "voice": "a text",
    "stream": f"true or false, and true only for {', '.join(STREAMED)}",
}


def parsed(body: bytes) -> SpeechAsked:
    """Return the fields of a request with their defaults. Raises Refused (400)."""
    try:
        given: object = parse_json(body, "the body")
    except ConfigError as error:
        raise Refused(400, "invalid_json", str(error)) from None
    if not isinstance(given, dict):
        raise Refused(400, "invalid_json", "the body is not a JSON object")
    try:
        asked = _SpeechBody.model_validate(given)
    except ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        raise Refused(400, f"invalid_{_CODES.get(key, key)}", f"{key} must be {_MUST_BE[key]}") from None
    if any("\ud800" <= character <= "\udfff" for character in asked.input):
        raise Refused(400, "invalid_input", "input must be valid Unicode")
    streamed = asked.response_format in STREAMED
    if asked.stream and not streamed:
        raise Refused(400, "invalid_stream", f"stream must be {_MUST_BE['stream']}")
    stream = streamed if asked.stream is None else asked.stream
    return SpeechAsked(asked.input, asked.seed, asked.response_format, asked.voice, stream)
