"""The protocol that every adapter follows. An adapter lives in a worker process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.core.records import Capabilities, Request, Synthesis, Variant


class BackendFault(Exception):
    """Why a request gave no speech. ``partial`` holds what is known all the same: token counts, what a log said."""

    def __init__(self, message: str, partial: Synthesis | None = None) -> None:
        super().__init__(message)
        self.partial = partial


class BackendRefused(BackendFault):
    """The backend said no to one request (outcome ERROR); the worker stays alive."""


class NoAudio(BackendFault):
    """The backend claimed success and gave nothing (outcome NO_AUDIO)."""


class BadAudio(BackendFault):
    """The backend gave bytes that are not readable audio (outcome BAD_AUDIO)."""


class BackendAway(BackendFault):
    """Nothing was asked (outcome AWAY): no server answers, or the program cannot be started.

    It tells nothing of the text. ``lasting``: waiting does not help, as with a wrong key or a file that is no program.
    """

    def __init__(self, message: str, partial: Synthesis | None = None, *, lasting: bool = False) -> None:
        super().__init__(message, partial)
        self.lasting = lasting


class ProgramDied(BackendFault):
    """The program behind the adapter ended by a signal (outcome CRASH); the message says which."""


class Backend(Protocol):
    """One adapter to one TTS program or library.

    ``check`` runs in the main process before anything starts and imports nothing heavy: it raises ConfigError for
    unknown keys and missing files. The other methods run in the worker. ``progress`` is to be called whenever there
    is a sign of life (a token, a byte); the watchdog rests on it.

    Three class attributes are optional: ``OVERRIDES``, the settings that one request may change; ``THREADS``, the name
    of the setting that says how many threads compute; ``COMPANIONS``, the name of the setting that says how many other
    requests are computed in one batch with each. So are three methods: ``decode(tokens) -> samples``, from speech
    tokens (frames, codebooks) to sound past the language model; who has it names the stage ``vocoder`` when loaded; the
    static ``inputs(variant) -> list of paths``, files that decide what is said and that no setting names (what lies
    beside a model, a program found on PATH): a run is not resumed when one of them has changed; and the static
    ``check_chunks(variant, ids)``, in the main process: it raises ConfigError where no such chunk can be had.
    """

    @staticmethod
    def check(variant: Variant) -> None: ...

    def load(self, variant: Variant) -> Capabilities: ...

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...
