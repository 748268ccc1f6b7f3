"""What comes back from a backend: capabilities, a synthesis, the attempt that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypedDict, cast

from harness.core.records.plain import Samples, Tokens


class StoredLayout(TypedDict):
    """A TokenLayout as JSON."""

    codebook_sizes: list[int]
    frame_seconds: float
    cap: int | None
    silent: list[int]


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """Geometry of a backend's speech tokens."""

    codebook_sizes: tuple[int, ...]
    frame_seconds: float  # audio seconds one frame of all codebooks stands for
    cap: int | None = None  # speech tokens at which generation is cut off
    silent: tuple[int, ...] = ()

    @classmethod
    def of(cls, stored: StoredLayout) -> TokenLayout:
        """Return the layout that was stored as JSON."""
        sizes, silent = tuple(stored["codebook_sizes"]), tuple(stored["silent"])
        return cls(sizes, stored["frame_seconds"], stored["cap"], silent)


class StoredCapabilities(TypedDict, total=False):
    """Capabilities as JSON; ``details`` are the adapter's own."""

    sample_rate: int | None
    layout: StoredLayout | None
    seeded: bool
    resets: bool
    stages: list[str]
    details: dict[str, object]
    computes: str


class Computes(StrEnum):
    """Where the speech of a backend is computed."""

    HERE = "here"  # in the worker or below it: its CPU seconds and memory are the backend's
    ELSEWHERE = "elsewhere"  # in a server that was there before: the worker is only its client
    NOWHERE = "nowhere"  # recordings: no speed at all


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a loaded backend says of itself. ``computes`` decides which of the worker's own figures mean something."""

    sample_rate: int | None = None
    layout: TokenLayout | None = None
    seeded: bool = True
    resets: bool = False  # reset() clears its state without a reload
    stages: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)  # versions, build, model sha256, file size
    computes: Computes = Computes.HERE


@dataclass(slots=True)
class Synthesis:
    """What an adapter returns for one request. Either ``samples`` or ``audio_path`` (a file still to be read)."""

    samples: Samples | None = None
    sample_rate: int | None = None
    audio_path: Path | None = None
    tokens: Tokens | None = None  # (frames, codebooks), as generated, before any range check
    token_count: int | None = None  # speech tokens generated, also where ``tokens`` is unknown
    finish_reason: str | None = None  # "stop", "length" or the backend's own word
    ttfa: float | None = None  # s, request to first playable sample
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, object] = field(default_factory=dict)  # e.g. header repairs, ranges printed in a log

    @property
    def noted(self) -> Notes:
        """Return the notes that the harness reads, with their types."""
        return cast(Notes, self.notes)


class StreamNote(TypedDict, total=False):
    """How an answer over the network came; seconds."""

    status: int
    headers: dict[str, str]
    refusals: list[RefusalNote]
    bytes: int
    pieces: int
    first_byte: float | None
    underruns: int | None
    underrun_seconds: float | None
    longest_gap: float | None


class RefusalNote(TypedDict):
    """A server that was busy, and how long it was waited for; seconds."""

    status: int
    retry_after: float | None
    waited: float


class InjectionNote(TypedDict, total=False):
    """A fault that was made on purpose; ``reason``: why it could not be."""

    fault: str
    reason: str


class GenerationNote(TypedDict):
    """Token ids of one generation."""

    prompt: list[int]
    tokens: list[int]


class ChoiceNote(TypedDict, total=False):
    """What was likely at each step of a generation."""

    tokens: list[int]
    top: list[list[tuple[int, float]]]


class Notes(TypedDict, total=False):
    """The notes of an attempt that the harness itself reads; adapters may add others."""

    http: StreamNote
    websocket: StreamNote
    repairs: list[str]
    lasting: bool
    injected: list[InjectionNote]
    generations: list[GenerationNote]
    choices: ChoiceNote
    words: list[tuple[str, float, float]]
    cap: int
    prompt_audio: str


class Outcome(StrEnum):
    """How a request ended. All but OK are faults of the process, not errors of the tool."""

    OK = "ok"
    CRASH = "crash"  # the worker or its program died: signal or exit code
    HANG = "hang"  # no sign of life within the progress timeout
    TIMEOUT = "timeout"  # the request's own limit
    ERROR = "error"  # the backend said no: exception, non-zero exit, HTTP error
    NO_AUDIO = "no-audio"  # succeeded, but gave nothing, or no frames
    BAD_AUDIO = "bad-audio"  # gave a file that is no readable audio
    AWAY = "away"  # nothing was asked: no server answers, the program cannot be started; never journalled as an attempt

    LOST = "lost"  # the machine that computed it is gone: says nothing of the backend; the chunk is spoken again


class Arm(StrEnum):
    """Why an attempt was made. Suites may use words of their own."""

    SOAK = "soak"
    RETRY = "retry"
    REFERENCE = "reference"
    REPLAY_SAME_SEED = "replay-same-seed"
    REPLAY_NEW_SEED = "replay-new-seed"
    QUIET = "quiet"  # timed with no scoring beside it
    LOST = "lost"  # in flight when the machine was lost that spoke it; nobody judges it


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and its outcome. Identity: (session, arm, chunk_id, take).

    A new field needs a default and the version of the journal that first stores it, ``metadata={"schema": VERSION}``.
    Its column, the upgrade of older journals and its column of the run table follow from that.
    """

    session: int
    epoch: int
    sequence: int  # order of requests within the session, from 0
    chunk_id: str
    variant: str
    arm: str = Arm.SOAK
    take: int = 0
    seed: int | None = None
    outcome: Outcome = Outcome.OK
    detail: str = ""  # one line: signal, exit code, what the backend said
    audio: str | None = None  # path relative to the run directory
    audio_sha256: str | None = None  # of the PCM as float32 little-endian samples
    sample_rate: int | None = None
    duration: float | None = None  # s of audio
    tokens: Tokens | None = None
    token_count: int | None = None
    finish_reason: str | None = None
    wall_seconds: float | None = None  # monotonic
    cpu_seconds: float | None = None  # of the worker's process group
    ttfa: float | None = None
    rss_bytes: int | None = None  # after the request
    peak_rss_bytes: int | None = None
    stderr_tail: str = ""
    notes: Mapping[str, object] = field(default_factory=dict)
    id: int | None = None  # given by the store
    asked_utc: str | None = field(default=None, metadata={"schema": 4})  # when the backend was asked, ISO 8601

    @property
    def token_rate(self) -> float | None:
        """Return speech tokens a second of audio."""
        return self.token_count / self.duration if self.duration and self.token_count is not None else None

    @property
    def rtfx(self) -> float | None:
        """Return seconds of audio a second of waiting."""
        return self.duration / self.wall_seconds if self.duration and self.wall_seconds else None

    @property
    def noted(self) -> Notes:
        """Return the notes that the harness reads, with their types."""
        return cast(Notes, self.notes)
