"""A speech server that the adapter ``http`` starts itself, so that it lives and dies with the worker."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from harness.backends.base import BackendRefused, ProgramDied
from harness.backends.command_settings import fill
from harness.backends.conversation import Conversation
from harness.backends.http_settings import HttpSettings
from harness.backends.process import ending
from harness.core.records import Variant

if TYPE_CHECKING:
    import httpx

FAREWELL = 2.0  # s for the server to end by itself
_LOOK = 0.1


class LocalServer:
    """One server process; what it prints is heard as a log. Raises BackendRefused when it cannot be started."""

    def __init__(self, settings: HttpSettings, variant: Variant) -> None:
        port = str(_free_port())
        placeholders = {"port": port, "model": settings.model, "voice": variant.voice, "seed": str(variant.seed)}
        values = {name: value for name, value in placeholders.items() if value is not None}
        values |= {name: str(value) for name, value in settings.values.items()}
        self._ready = settings.ready
        self.url = settings.url.replace("{port}", port)
        try:
            self._talk = Conversation(
                [fill(part, values) for part in settings.start],
                cwd=settings.folder(variant),
                env=settings.env,
                terminal=False,
            )
        except OSError as error:
            raise BackendRefused(f"cannot start {settings.start[0]!r}: {error.strerror or error}") from None

    def await_ready(self, client: httpx.Client) -> None:
        """Ask until it answers with anything below 500; the worker's load timeout ends it. Raises ProgramDied."""
        import httpx

        while True:
            ended = self.ended(0.0)
            if ended is not None:
                raise ProgramDied(f"the server ended before it was ready: {ended}")
            try:
                if client.get(self._ready, timeout=5.0).status_code < 500:
                    return
            except httpx.HTTPError:  # not listening yet, or still loading
                pass
            time.sleep(_LOOK)

    def forget(self) -> None:
        """Note that a new request begins."""
        self._talk.forget()

    def heard(self) -> str:
        """Return what it printed since :meth:`forget`."""
        return self._talk.heard()

    def ended(self, patience: float = 1.0) -> str | None:
        """Return how it ended, with its last line; None while it lives."""
        code = self._talk.code(patience)
        if code is None:
            return None
        last = self._talk.last_line()
        return f"{ending(code)}{f' ({last[:2000]})' if last else ''}"

    def close(self) -> None:
        """End it."""
        self._talk.end([], FAREWELL, ask=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
