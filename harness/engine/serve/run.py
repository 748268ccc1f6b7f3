"""Start a server, say where it is, and end its workers with it."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from harness.core.errors import ConfigError
from harness.core.records import Variant
from harness.engine.serve.server import SpeechServer, check_loopback
from harness.engine.serve.voices import WorkerPool


def serve_until_stopped(
    variant: Variant,
    host: str,
    port: int,
    workers: int,
    waiting: int,
    api_key_env: str | None,
    say: Callable[[str], object],
) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises ConfigError, BackendLoadFailed."""
    check_loopback(host)
    key = os.environ.get(api_key_env) if api_key_env else None
    if api_key_env and not key:
        raise ConfigError(f"--api-key-env: the environment has no {api_key_env}")
    with tempfile.TemporaryDirectory(prefix="tts-soak-serve-") as folder:
        voices = WorkerPool(variant, Path(folder), workers, waiting)
        try:
            with SpeechServer(host, port, voices, variant.name, key) as server:
                voices.start()
                _stop_on_signals(server)
                place = f"[{host}]" if ":" in host else host
                say(f"serving {variant.name} on http://{place}:{server.server_address[1]}/v1/audio/speech")
                server.serve_forever(poll_interval=0.2)
                say(f"{server.answered} requests answered")
        finally:
            voices.stop()


def _stop_on_signals(server: SpeechServer) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        # shutdown() waits for the loop that this handler interrupts
        threading.Thread(target=server.shutdown, daemon=True).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
