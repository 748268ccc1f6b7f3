"""A speech language model in GGUF with a neural-codec-like token layout, run by llama.cpp (layer 2)."""

from __future__ import annotations

import hashlib
import importlib.metadata
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.backends.base import BackendRefused
from harness.backends.llama_server import Generated, LlamaServer, Sampling, ServerOptions
from harness.backends.llama_settings import PER_REQUEST, Settings, for_request, from_variant
from harness.errors import ConfigError
from harness.types import Capabilities, Request, Synthesis, TokenLayout, Variant
from harness.voice.codec import Codec, decode, load_codec
from harness.voice.frontend import Frontend, Segment
from harness.voice.geometry import Geometry, load_geometry
from harness.voice.layout import Reading, marker_errors, phone_ends, prompt, read, word_times

LARGEST_SEED = 2**32 - 1  # llama.cpp takes this one for "draw a seed"
ROOM = 4  # tokens of the context that stay free


@dataclass(slots=True)
class _Spoken:
    """One segment as generated."""

    segment: Segment
    prompt: list[int]
    generated: Generated
    reading: Reading
    cap: int


@dataclass(slots=True)
class _Loaded:
    settings: Settings
    geometry: Geometry
    codec: Codec
    frontend: Frontend
    server: LlamaServer
    context: int
    history: list[int] = field(default_factory=list)  # only with carry_context


class LlamaCodec:
    """Adapter ``llama_codec``: text -> phones -> llama.cpp -> codes -> sound.

    Notes of a synthesis: ``segments``, ``phones``, ``generated_tokens`` (markers and the stop token included), ``cap``
    (their limit, all segments together), ``malformed_tokens``, ``markers_missing``, ``markers_extra``,
    ``invalid_frames`` (left out of the audio), ``words`` [[word, start, end]...] in seconds, None unless every marker
    came in order. Where ``logprobs`` was asked for: ``choices`` {``tokens``: every generated id in order, ``top``: the
    most probable of each step as [id, natural logarithm of its probability]}.
    """

    OVERRIDES = PER_REQUEST
    THREADS = "threads"

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None

    @staticmethod
    def check(variant: Variant) -> None:
        settings = from_variant(variant)
        geometry = load_geometry(settings.description)
        geometry.speaker_token(settings.speaker)
        if not geometry.codec.is_file():
            raise ConfigError(f"{settings.description}: codec: no such file: {geometry.codec}")
        if settings.carry_context and settings.context is None:
            return
        if settings.context and settings.context > geometry.context:
            raise ConfigError(
                f"{variant.source or 'variant'}: {variant.name}: context must be at most {geometry.context}, "
                f"what {settings.description} says the voice was trained on"
            )

    def load(self, variant: Variant) -> Capabilities:
        settings = from_variant(variant)
        geometry = load_geometry(settings.description)
        context = settings.context or geometry.context
        server = LlamaServer(ServerOptions(settings.model, context, settings.threads, settings.flash_attention))
        frontend = Frontend(geometry.phones)
        self._loaded = _Loaded(settings, geometry, load_codec(geometry.codec), frontend, server, context)
        return Capabilities(
            sample_rate=geometry.sample_rate,
            layout=TokenLayout(geometry.codebook_sizes, geometry.frame_seconds),
            seeded=True,
            resets=True,
            stages=("frontend", "language_model", "vocoder"),
            details=_details(settings, geometry),
        )

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        voice = self._voice()
        settings = for_request(voice.settings, request.overrides)
        began = time.monotonic()
        limit = voice.geometry.segment_phones if settings.segment_phones is None else settings.segment_phones
        segments = voice.frontend.segments(request.text, limit)
        if not segments:
            raise BackendRefused("the text holds nothing that can be spoken")
        speaker = voice.geometry.speaker_token(request.voice or settings.speaker)
        progress()
        read_at = time.monotonic()
        spoken = [
            self._speak(segment, speaker, settings, (request.seed or 0) + i, progress)
            for i, segment in enumerate(segments)
        ]
        generated_at = time.monotonic()
        codes = np.concatenate([s.reading.codes for s in spoken])
        samples = decode(codes, voice.codec)
        seconds = {
            "frontend": read_at - began,
            "language_model": generated_at - read_at,
            "vocoder": time.monotonic() - generated_at,
        }
        cut = any(s.generated.finish_reason == "length" for s in spoken)
        return Synthesis(
            samples=samples,
            sample_rate=voice.geometry.sample_rate,
            tokens=codes,
            token_count=sum(s.reading.speech_tokens for s in spoken),
            finish_reason="length" if cut else "stop",
            stage_seconds=seconds,
            notes=_notes(spoken, voice.geometry, len(codes) - round(len(samples) / _frame_samples(voice.geometry))),
        )

    def _speak(
        self, segment: Segment, speaker: int, settings: Settings, seed: int, progress: Callable[[], None]
    ) -> _Spoken:
        voice = self._voice()
        phones = segment.phones
        asked = [*voice.history, *prompt(phones, speaker, voice.geometry)]
        room = voice.context - len(asked) - ROOM
        if room < 1 and voice.history:
            voice.history.clear()
            asked = prompt(phones, speaker, voice.geometry)
            room = voice.context - len(asked) - ROOM
        if room < 1:
            raise BackendRefused(f"{len(phones)} phones do not fit into a context of {voice.context} tokens")
        cap = min(room, settings.max_tokens or voice.geometry.cap.tokens(len(phones)))
        sampling = Sampling(
            temperature=settings.temperature,
            top_p=settings.top_p,
            top_k=settings.top_k,
            seed=seed % LARGEST_SEED,
            limit=cap,
            prompt_cache=settings.prompt_cache,
            logprobs=settings.logprobs,
        )
        generated = voice.server.generate(asked, sampling, progress)
        if settings.carry_context:
            voice.history = asked + generated.tokens
        return _Spoken(segment, asked, generated, read(generated.tokens, voice.geometry), cap)

    def reset(self) -> None:
        self._voice().history.clear()

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.server.close()
            self._loaded = None

    def _voice(self) -> _Loaded:
        if self._loaded is None:
            raise RuntimeError("load() comes first")
        return self._loaded


def _frame_samples(geometry: Geometry) -> float:
    return geometry.frame_seconds * geometry.sample_rate


def _notes(spoken: list[_Spoken], geometry: Geometry, invalid: int) -> dict[str, Any]:
    words: list[list[Any]] | None = []
    offset = 0.0
    for piece in spoken:
        ends = phone_ends(piece.reading, len(piece.segment.phones), geometry) if not invalid else None
        if ends is None or words is None:
            words = None
        else:
            words += [list(w) for w in word_times(piece.segment, ends, offset)]
        offset += len(piece.reading.codes) * geometry.frame_seconds
    errors = [marker_errors(s.reading, len(s.segment.phones), geometry) for s in spoken]
    return {
        "segments": len(spoken),
        "phones": sum(len(s.segment.phones) for s in spoken),
        "generated_tokens": sum(len(s.generated.tokens) for s in spoken),
        "cap": sum(s.cap for s in spoken),
        "malformed_tokens": sum(s.reading.malformed_tokens for s in spoken),
        "markers_missing": sum(missing for missing, _ in errors),
        "markers_extra": sum(extra for _, extra in errors),
        "invalid_frames": invalid,
        "words": words,
        **_choices(spoken),
    }


def _choices(spoken: list[_Spoken]) -> dict[str, Any]:
    if not any(s.generated.top for s in spoken):
        return {}
    top = [[[token, round(value, 6)] for token, value in step] for s in spoken for step in s.generated.top]
    return {"choices": {"tokens": [token for s in spoken for token in s.generated.tokens], "top": top}}


def _details(settings: Settings, geometry: Geometry) -> Mapping[str, Any]:
    content = settings.model.read_bytes()
    return {
        "engine": "llama.cpp through xllamacpp",
        "xllamacpp": importlib.metadata.version("xllamacpp"),
        "voice": geometry.name,
        "speaker": settings.speaker or geometry.default_speaker,
        "model_file": settings.model.name,
        "model_bytes": len(content),
        "model_sha256": hashlib.sha256(content).hexdigest(),
        "codec_sha256": hashlib.sha256(geometry.codec.read_bytes()).hexdigest(),
        "context": settings.context or geometry.context,
        "vocoder": "WORLD",
        "exact_repeats": not (settings.prompt_cache or settings.flash_attention or settings.threads > 1),
    }
