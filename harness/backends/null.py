"""The null backend: cheap sound with the timing of speech, and faults on demand (for measuring the harness itself).

The sound depends on text and seed alone. Faults of the process are real ones: a ``crash`` is a segmentation fault.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import Field

from harness.backends import null_faults
from harness.backends.null_faults import Failure
from harness.backends.settings import Settings, read_settings, wrong
from harness.core.records import Capabilities, Request, Samples, Synthesis, TokenLayout, Tokens, Variant

FRAME_SECONDS = 0.02
CODEBOOK = 256


class NullSettings(Settings):
    """Keys of the adapter ``null``."""

    model: str | None = None
    seconds_per_word: float = Field(default=0.3, gt=0)
    sample_rate: int = Field(default=24000, ge=1000, le=384000)
    mode: Literal["tone", "silence", "speechlike"] = "tone"
    tokens: bool = False
    cap: int | None = Field(default=None, ge=1)  # speech tokens
    delay: float = Field(default=0.0, ge=0)  # s of waiting a request
    delays: dict[str, float] = Field(default_factory=dict)  # the same by chunk id, as another backend was timed
    load: Literal["ok", "raise", "hang", "crash"] = "ok"
    fail: list[Failure] = Field(default_factory=list)


class NullBackend:
    """Speaks nothing, at any speed."""

    def __init__(self) -> None:
        self._settings = NullSettings()
        self._variant: Variant | None = None
        self._count = 0

    @staticmethod
    def check(variant: Variant) -> None:
        """Raise ConfigError for unknown keys and kinds of failure."""
        from harness.core.errors import nearest

        for failure in read_settings(NullSettings, variant).fail:
            if failure.kind not in null_faults.KINDS:
                problem = f"unknown kind {failure.kind!r}{nearest(failure.kind, null_faults.KINDS)}"
                raise wrong(variant, "fail.kind", problem)

    def load(self, variant: Variant) -> Capabilities:
        """Return at once, or fail as ``load`` asks for."""
        self._variant, self._settings = variant, read_settings(NullSettings, variant)
        null_faults.fail_to_load(self._settings.load)
        layout = TokenLayout((CODEBOOK,), FRAME_SECONDS, self._settings.cap) if self._settings.tokens else None
        return Capabilities(self._settings.sample_rate, layout, seeded=True, resets=True, details={"mode": "null"})

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Return sound of the length the words would take, then apply the failures that strike this request."""
        assert self._variant is not None
        settings = read_settings(NullSettings, self._variant, request.overrides)
        self._count += 1
        if delay := settings.delays.get(request.chunk_id, settings.delay):
            time.sleep(delay)
        progress()
        synthesis = null_audio(settings, request)
        for failure in settings.fail:
            if self._strikes(failure, request):
                synthesis = null_faults.KINDS[failure.kind](synthesis, failure)
        return synthesis

    def reset(self) -> None:
        """Forget the count of requests, which is all the state there is."""
        self._count = 0

    def close(self) -> None:
        """Release nothing: nothing is held."""

    def _strikes(self, failure: Failure, request: Request) -> bool:
        return (
            (failure.chunks is None or request.chunk_id in failure.chunks)
            and (failure.every is None or self._count % failure.every == 0)
            and (failure.first is None or self._count >= failure.first)
            and (failure.fraction is None or _generator(request, failure.kind).random() < failure.fraction)
        )


def null_audio(settings: NullSettings, request: Request) -> Synthesis:
    """Return sound for a request: at least 0.1 s, ``seconds_per_word`` a word."""
    words = len(request.text.split())
    frames = max(5, round(words * settings.seconds_per_word / FRAME_SECONDS))
    reason = "stop"
    if settings.cap is not None and frames >= settings.cap:
        frames, reason = settings.cap, "length"
    rng = _generator(request, "sound")
    rate = settings.sample_rate
    samples = _SOUNDS[settings.mode](rng, round(frames * FRAME_SECONDS * rate), rate)
    tokens: Tokens | None = None
    if settings.tokens:
        tokens = rng.integers(0, CODEBOOK, (frames, 1), dtype=np.int32)
    return Synthesis(
        samples=samples,
        sample_rate=rate,
        tokens=tokens,
        token_count=frames if settings.tokens else None,
        finish_reason=reason if settings.tokens else None,
    )


def _generator(request: Request, purpose: str) -> np.random.Generator:
    key = f"{request.seed}\0{request.text}\0{purpose}".encode("utf-8", "surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:8], "big"))


def _tone(rng: np.random.Generator, count: int, rate: int) -> Samples:
    phase = 2 * np.pi * rng.uniform(150, 250) / rate * np.arange(count, dtype=np.float32)
    return np.asarray(0.3 * np.sin(phase), dtype=np.float32)


def _silence(rng: np.random.Generator, count: int, rate: int) -> Samples:
    return np.zeros(count, dtype=np.float32)


def _speechlike(rng: np.random.Generator, count: int, rate: int) -> Samples:
    """Harmonics of a wandering pitch, five syllables a second, a pause now and then, a little noise."""
    time_axis = np.arange(count) / rate
    pitch = rng.uniform(100, 200) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.3, 0.8) * time_axis))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(order * phase + rng.uniform(0, 6)) / order for order in range(1, 9))
    syllables = max(1, int(count / rate * 5))
    loud = rng.uniform(0.2, 1.0, syllables) * (rng.random(syllables) > 0.1)
    place = time_axis * syllables / max(time_axis[-1], 1e-9)
    envelope = loud[np.minimum(place.astype(int), syllables - 1)] * np.sin(np.pi * (place % 1)) ** 2
    return np.asarray(0.15 * voice * envelope + 0.0005 * rng.standard_normal(count), dtype=np.float32)


_SOUNDS: dict[str, Callable[[np.random.Generator, int, int], Samples]] = {
    "tone": _tone,
    "silence": _silence,
    "speechlike": _speechlike,
}
