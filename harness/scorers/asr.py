"""Speech recognition engines behind one small interface, chosen by a spec such as ``whisper:base.en``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from harness.alignment import TimedWord
from harness.errors import ConfigError, nearest
from harness.scorers.base import Clip
from harness.scorers.clip import SPEECH_RATE, SharedClip
from harness.types import Json, Samples, Variant

# Where neither the command line nor the variants name one: offline, blunt, and trained on people. The embedded one
# reads the embedded voice far better, and people far worse (0.81 against 0.28 on LJSpeech), so its voice names it.
DEFAULT = "pocketsphinx"
RATE = SPEECH_RATE  # Hz, what every engine here reads
EMBEDDED = Path(__file__).resolve().parents[2] / "voices" / "recognizer.pt"
EMBEDDED_LABEL = "offline recognizer, synthetic speech, English"
ENGINES = ("embedded", "faster-whisper", "pocketsphinx", "whisper")


@dataclass(frozen=True, slots=True)
class Transcript:
    """What an engine heard. ``avg_logprob`` in nats per token, ``no_speech_prob`` in [0, 1]; None if it has none.

    ``extras`` are further payload keys of the engine (its settings, its windows).
    """

    text: str
    words: tuple[TimedWord, ...]
    engine: str
    model: str
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    extras: Json = field(default_factory=dict)


class Recognizer(Protocol):
    """One engine with one model. ``setup`` loads it; ``languages`` are the primary tags it reads, None: many."""

    spec: str
    languages: frozenset[str] | None

    def setup(self) -> None: ...

    def transcribe(self, samples: Samples, language: str) -> Transcript: ...


def asr_of(variants: Iterable[Variant], asked: str | None = None) -> str | None:
    """The recognizer of a run over ``variants``: the one asked for, else the one that they name, else None.

    One run has one recognizer, or its word errors could not be compared. Raises ConfigError where the variants differ.
    """
    if asked is not None:
        return asked
    named: dict[str | None, str] = {}
    for variant in variants:
        named.setdefault(variant.asr, variant.name)
    if len(named) > 1:
        said = ", ".join(f"{name} names {asr or 'none'}" for asr, name in named.items())
        raise ConfigError(f"one run has one recognizer, but {said}: choose with --asr")
    return next(iter(named), None)


def recognizer(spec: str, device: str = "cpu", where: str = "") -> Recognizer:
    """Return the engine for a spec, not loaded yet. Raises ConfigError with the nearest valid choice.

    Specs: ``embedded``, ``pocketsphinx``, ``pocketsphinx:fast``, ``pocketsphinx:accurate``, ``whisper:NAME``,
    ``whisper:PATH.pt``, ``faster-whisper:NAME-or-folder``.
    """
    engine, _, model = spec.partition(":")
    build = _BUILDERS.get(engine)
    place = f"{where}: " if where else ""
    if build is None:
        raise ConfigError(f"{place}unknown recognizer {spec!r}{nearest(engine, ENGINES)}")
    try:
        return build(model, device)
    except ConfigError as error:
        raise ConfigError(f"{place}{error}") from None


def _pocketsphinx(model: str, device: str) -> Recognizer:
    from harness.scorers.asr_pocketsphinx import PocketSphinx

    return PocketSphinx(model or "fast")


def _whisper(model: str, device: str) -> Recognizer:
    from harness.scorers.asr_whisper import Whisper

    return Whisper(model, device)


def _faster_whisper(model: str, device: str) -> Recognizer:
    from harness.scorers.asr_faster_whisper import FasterWhisper

    return FasterWhisper(model, device)


def _embedded(model: str, device: str) -> Recognizer:
    if model:
        raise ConfigError(f"the embedded recognizer takes no model, but got {model!r}; write 'embedded'")
    if EMBEDDED.is_file():
        from harness.scorers.asr_whisper import Whisper

        return Whisper(str(EMBEDDED), device, label=EMBEDDED_LABEL, spec="embedded", languages=frozenset({"en"}))
    from harness.scorers.asr_pocketsphinx import PocketSphinx

    return PocketSphinx("fast", note="no embedded recognizer is shipped; pocketsphinx instead")


_BUILDERS: dict[str, Callable[[str, str], Recognizer]] = {
    "pocketsphinx": _pocketsphinx,
    "whisper": _whisper,
    "faster-whisper": _faster_whisper,
    "embedded": _embedded,
}


def speech_16k(clip: Clip) -> Samples:
    """Return the clip at 16 kHz, finite, mono float32 (the shared copy; what is not finite was bridged)."""
    return np.ascontiguousarray(SharedClip.of(clip).speech_copy)
