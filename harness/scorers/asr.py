"""Speech recognition engines behind one small interface, chosen by a spec such as ``whisper:base.en``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from harness.core.errors import ConfigError, nearest
from harness.core.records import Samples, Variant
from harness.scorers.asr_models import DEFAULT
from harness.scorers.base import Clip
from harness.scorers.clip import SharedClip
from harness.scorers.transcript import Transcript

ENGINES = ("faster-whisper", "whisper")
_GONE = ("embedded", "pocketsphinx")  # earlier recognizers, which variants files may still name


class Recognizer(Protocol):
    """One engine with one model. ``languages`` are the primary tags it reads, None: many.

    ``prepare`` sees to it that everything is on this machine for texts in ``wanted`` languages, and loads nothing;
    ``setup`` loads the model. Both raise ConfigError. ``compute_type`` is the arithmetic, by CTranslate2's names.
    """

    spec: str
    device: str
    compute_type: str
    languages: frozenset[str] | None

    def prepare(self, wanted: Iterable[str] = ("en",)) -> None: ...

    def setup(self) -> None: ...

    def transcribe(self, samples: Samples, language: str) -> Transcript: ...


def asr_of(variants: Iterable[Variant], asked: str | None = None) -> str | None:
    """Return the recognizer of a run over ``variants``: the one asked for, else the one that they name, else None.

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

    Specs: ``whisper`` (tiny.en for English, base for the rest), ``faster-whisper:NAME-or-folder``, ``whisper:NAME``,
    ``whisper:PATH.pt``. ``device``: ``cpu``, ``cuda`` or ``cuda:1``.
    """
    engine, _, model = spec.partition(":")
    build = _BUILDERS.get(engine)
    place = f"{where}: " if where else ""
    if not _DEVICE.fullmatch(device):
        raise ConfigError(f"--asr-device: {device!r} is no device; write cpu, cuda or cuda:1")
    if engine in _GONE:
        raise ConfigError(f"{place}the recognizer {engine!r} is no longer here: name none, or {DEFAULT!r}")
    if build is None:
        raise ConfigError(f"{place}unknown recognizer {spec!r}{nearest(engine, ENGINES)}")
    try:
        return build(model, device)
    except ConfigError as error:
        raise ConfigError(f"{place}{error}") from None


def _whisper(model: str, device: str) -> Recognizer:
    if not model:
        from harness.scorers.asr_default import DefaultWhisper

        return DefaultWhisper(device)
    from harness.scorers.asr_whisper import Whisper

    return Whisper(model, device)


def _faster_whisper(model: str, device: str) -> Recognizer:
    from harness.scorers.asr_faster_whisper import FasterWhisper

    return FasterWhisper(model, device)


_BUILDERS: dict[str, Callable[[str, str], Recognizer]] = {
    "whisper": _whisper,
    "faster-whisper": _faster_whisper,
}
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


def transcript_of(clip: Clip, listener: Recognizer) -> Transcript:
    """Return what a recognizer hears in a clip; it is asked once, however many scorers want to know."""
    kept = clip.transcripts if isinstance(clip, SharedClip) else {}
    if listener.spec not in kept:
        kept[listener.spec] = listener.transcribe(speech_16k(clip), clip.chunk.language)
    return kept[listener.spec]


def speech_16k(clip: Clip) -> Samples:
    """Return the clip at 16 kHz, finite, mono float32 (the shared copy; what is not finite was bridged)."""
    return np.ascontiguousarray(SharedClip.of(clip).speech_copy)
