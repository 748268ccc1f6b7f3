"""The http adapter: an OpenAI-compatible speech server, asked one chunk at a time, listened to as it streams."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from harness.backends.answered import ANSWER_LIMIT, CONNECT_TIMEOUT, timing
from harness.backends.base import BackendAway, BackendFault, BackendRefused, BadAudio, NoAudio, ProgramDied
from harness.backends.events import audio_of_events
from harness.backends.http_settings import HttpSettings, check_http_settings
from harness.backends.http_stream import Listening
from harness.backends.local_server import LocalServer
from harness.backends.log import read_log_line, refuse_if_said
from harness.backends.outside import OutsideAdapter
from harness.core.records import Capabilities, Computes, Request, Synthesis, Variant
from harness.core.records.answered import RefusalNote

if TYPE_CHECKING:
    import httpx

SAID_LIMIT = 4096  # bytes kept of an error's body
_GATEWAY = (429, 502, 503, 504)  # whoever answers says that nobody can be asked now
_NO_ENTRANCE = (301, 302, 303, 307, 308, 402, 403, 404, 405)  # wrong address or account, where nothing was answered yet
_NO_KEY = (401, 407)
_AUDIO = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3")  # Piper's server calls its WAV text
_EVENTS = "text/event-stream"
_KEPT = ("content-type", "server", "x-request-id", "transfer-encoding")


class _Busy(Exception):
    """The server asks to come again; carries what it said."""

    def __init__(self, status: int, retry_after: float | None, message: str) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class HttpBackend(OutsideAdapter[HttpSettings]):
    """Notes of a synthesis, under ``http``: ``status``, ``headers``, ``bytes``, ``pieces``, ``first_byte`` (s),
    ``longest_gap`` (s), ``underruns``, ``underrun_seconds``, ``refusals`` [{``status``, ``retry_after``, ``waited``}].

    ``ttfa`` counts from the try that was answered to its first playable sample, not to its header.
    """

    KIND, CHECK = HttpSettings, staticmethod(check_http_settings)

    def __init__(self) -> None:
        super().__init__()
        self._client: httpx.Client | None = None
        self._server: LocalServer | None = None
        self._answered = False  # with 200, at least once

    def load(self, variant: Variant) -> Capabilities:
        """Open the connection; start the server and wait until it answers, where the settings have one."""
        import httpx

        settings = self._begin(variant)
        url = settings.url
        if settings.start:
            self._server = LocalServer(settings, variant)
            url = self._server.url
        self._client = httpx.Client(
            base_url=url,
            headers=settings.sent_headers,
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
            trust_env=not settings.is_here,
            follow_redirects=False,  # a key must not follow to another host
        )
        if self._server is not None:
            self._server.await_ready(self._client)
        details = {"url": settings.url, "path": settings.path, "served_model": settings.served_model}
        return Capabilities(
            layout=settings.layout,
            seeded=bool(settings.seed_fields),
            details={**details, **settings.weights},
            computes=Computes.HERE if self._server is not None else Computes.ELSEWHERE,
        )

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Ask for one chunk.

        Raises BackendRefused, NoAudio, BadAudio; ProgramDied where the own server ended; BackendAway where nobody
        could be asked: no connection, a busy gateway, a wrong key or address.
        """
        settings = self._settings(request.overrides)
        synthesis = Synthesis(notes={"http": {"refusals": []}})
        if self._server is not None:
            self._server.forget()
        try:
            heard = self._until_answered(settings, request, synthesis, progress)
            if self._server is not None:
                log = self._server.heard()
                said = read_log_line(log, settings)
                synthesis.tokens, synthesis.token_count, synthesis.finish_reason = (
                    said.tokens,
                    said.token_count,
                    said.finish_reason,
                )
                synthesis.notes = {**said.notes, **synthesis.notes}
                refuse_if_said(log, settings.fail_on, synthesis)
            self._decode(settings, heard, synthesis)
        except BackendFault as fault:
            raise settings.retold(fault, synthesis) from None
        return synthesis

    def reset(self) -> None:
        """Change nothing: a server keeps its state, and only a restart clears it."""

    def close(self) -> None:
        """Close the connection and end the server that was started here."""
        if self._client is not None:
            self._client.close()
        if self._server is not None:
            self._server.close()
        self._remove_files()

    # ---------------------------------------------------------------------------------------- asking
    def _until_answered(
        self, settings: HttpSettings, request: Request, made: Synthesis, progress: Callable[[], None]
    ) -> Listening:
        refusals = made.noted["http"]["refusals"]
        while True:
            try:
                return self._ask(settings, request, made, progress)
            except _Busy as busy:
                wait = min(busy.retry_after if busy.retry_after is not None else 1.0, settings.busy_wait)
                given_up = len(refusals) >= settings.busy_retries
                waited = 0.0 if given_up else wait
                refusals.append(RefusalNote(status=busy.status, retry_after=busy.retry_after, waited=waited))
                if given_up:
                    times = f" ({len(refusals)} times)" if len(refusals) > 1 else ""
                    kind = BackendAway if busy.status in _GATEWAY else BackendRefused
                    raise kind(f"{busy}{times}") from None
                _wait(wait, progress)

    def _ask(
        self, settings: HttpSettings, request: Request, made: Synthesis, progress: Callable[[], None]
    ) -> Listening:
        """One try. Raises _Busy, BackendRefused or ProgramDied."""
        import httpx

        assert self._client is not None
        heard = settings.listening()
        started = time.monotonic()
        try:
            with self._client.stream("POST", settings.path, json=settings.body(request)) as answer:
                self._note(answer, settings, made)
                progress()
                if answer.status_code != 200:
                    self._refuse(answer, settings)
                self._answered = True
                for data in _pieces(answer, settings):
                    progress()
                    heard.feed(data, time.monotonic() - started)
                    if len(heard.data) > ANSWER_LIMIT:
                        raise BadAudio(f"more than {ANSWER_LIMIT} bytes in one answer", made)
        except httpx.HTTPError as error:
            self._lost(error, heard, made)
        finally:
            made.ttfa = heard.first_sample
            made.noted["http"].update(timing(heard))
        return heard

    def _note(self, answer: httpx.Response, settings: HttpSettings, made: Synthesis) -> None:
        kept = {name: settings.scrubbed(answer.headers[name])[:200] for name in _KEPT if name in answer.headers}
        made.noted["http"].update({"status": answer.status_code, "headers": kept})

    def _refuse(self, answer: httpx.Response, settings: HttpSettings) -> None:
        """Raise for an answer that is not 200."""
        body = bytearray()
        for data in answer.iter_bytes():
            body += data
            if len(body) > SAID_LIMIT:
                break
        status = answer.status_code
        after = _seconds(answer.headers.get("retry-after"))
        message = f"HTTP {status}: {settings.scrubbed(_said(bytes(body)))}".rstrip(": ")
        if status in _GATEWAY or (status >= 500 and after is not None):
            raise _Busy(status, after, message)
        if status in _NO_KEY or (status in _NO_ENTRANCE and not self._answered):
            raise BackendAway(message, lasting=True)
        raise BackendRefused(message)

    def _lost(self, error: Exception, heard: Listening, made: Synthesis) -> None:
        """Raise for a connection that was refused or broke; only one that stood can tell something of the text."""
        import httpx

        at = f" after {len(heard.data)} bytes of the answer" if heard.data else ""
        message = f"connection lost{at}: {type(error).__name__}: {error}".rstrip(": ")
        if self._server is not None:
            ended = self._server.ended()
            if ended is not None:
                raise ProgramDied(f"the server ended: {ended}{at}", made) from None
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            raise BackendAway(f"no connection: {error}".rstrip(": "), made) from None
        raise BackendRefused(message, made) from None

    # --------------------------------------------------------------------------------------- the audio
    def _decode(self, settings: HttpSettings, heard: Listening, made: Synthesis) -> None:
        """Put samples into ``made``. Raises NoAudio or BadAudio."""
        data = bytes(heard.data)
        kind = made.noted["http"]["headers"].get("content-type", "")
        if not data and _EVENTS in kind:
            raise NoAudio(f"an event stream without audio at {settings.sse_audio!r} of its events", made)
        if not data:
            raise NoAudio("HTTP 200 and an empty answer", made)
        told_in_words = ("json" in kind or "text/" in kind) and _EVENTS not in kind
        if told_in_words and not data.startswith(_AUDIO):
            raise BadAudio(f"HTTP 200 and {kind.split(';')[0]} instead of audio: {_said(data)}", made)
        settings.take(data, self._scratch, made)


def _pieces(answer: httpx.Response, settings: HttpSettings) -> Iterator[bytes]:
    """Yield the audio as it arrives: bytes, or base64 in server-sent events, whichever the answer says that it is."""
    if _EVENTS in answer.headers.get("content-type", ""):
        return audio_of_events(answer, settings.sse_audio)
    return answer.iter_bytes()


def _said(body: bytes) -> str:
    """Return what an error's body says, on one line: the message of an OpenAI-style error, else its beginning."""
    import json

    text = body[:SAID_LIMIT].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        answer = json.loads(text)
        said = answer.get("error", answer)
        text = str(said.get("message", said) if isinstance(said, dict) else said)
    return " ".join(text.split())[:300]


def _seconds(retry_after: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date."""
    if retry_after is None:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(retry_after))
    from email.utils import parsedate_to_datetime

    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    return None


def _wait(seconds: float, progress: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.5))
        progress()
