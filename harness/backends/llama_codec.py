"""A speech language model in GGUF with a neural-codec-like token layout, run by llama.cpp."""

from __future__ import annotations

import hashlib
import importlib.metadata
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.backends.base import BackendRefused
from harness.backends.llama_engine import EngineOptions, LlamaEngine, Sampling
from harness.backends.llama_settings import PER_REQUEST, LlamaSettings, for_request, from_variant
from harness.backends.llama_voices import CodecVoice, GeneratedSegment, Piece, describe_voice, load_voice
from harness.core.errors import ConfigError
from harness.core.records import Capabilities, Request, Samples, Synthesis, Tokens, Variant

LARGEST_SEED = 2**32 - 1  # llama.cpp takes this one for "draw a seed"
ROOM = 4  # tokens of the context that stay free


@dataclass(slots=True)
class _Loaded:
    settings: LlamaSettings
    voice: CodecVoice
    engine: LlamaEngine
    context: int
    history: list[int] = field(default_factory=list)  # only with carry_context


class LlamaCodec:
    """Adapter ``llama_codec``: text -> prompt -> llama.cpp -> codes -> sound.

    The voice's description says which kind it is: phones with alignment markers (the embedded voice), or the text as it
    stands and SNAC frames (Orpheus, Maya1). Notes of a synthesis: ``segments``, ``generated_tokens`` (markers and the
    stop token included), ``cap`` (their limit, all segments together), ``malformed_tokens``, ``invalid_frames`` (left
    out of the audio). Of phones besides: ``phones``, ``markers_missing``, ``markers_extra``, ``words`` [[word, start,
    end]...] in seconds, None unless every marker came in order. Of SNAC: ``stop_token`` (whether the model gave it).
    Where ``logprobs`` was asked for: ``choices`` {``tokens``: every generated id in order, ``top``: the most probable
    of each step as [id, natural logarithm of its probability]}. Where ``note_ids`` was asked for: ``generations``, the
    ids of each piece's ``prompt`` and the ``tokens`` it gave. Among the details: ``token_slots`` {``speech``,
    ``control``}, what the generated ids mean, name -> [first id, count].
    """

    OVERRIDES = PER_REQUEST
    THREADS = "threads"
    COMPANIONS = "companions"

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None

    @staticmethod
    def check(variant: Variant) -> None:
        settings = from_variant(variant)
        geometry = describe_voice(settings)
        if settings.carry_context and settings.context is None:
            return
        if settings.context and settings.context > geometry.context:
            raise ConfigError(
                f"{variant.source or 'variant'}: {variant.name}: context must be at most {geometry.context}, "
                f"what {settings.description} says the voice was trained on"
            )

    @staticmethod
    def inputs(variant: Variant) -> list[Path]:
        """Return the voice's description and its codec."""
        settings = from_variant(variant)
        return [settings.description, describe_voice(settings).codec]

    def load(self, variant: Variant) -> Capabilities:
        settings = from_variant(variant)
        voice = load_voice(settings)
        context = settings.context or voice.context
        engine = _engine(settings, context)
        self._loaded = _Loaded(settings, voice, engine, context)
        return Capabilities(
            sample_rate=voice.sample_rate,
            layout=voice.layout,
            seeded=True,
            resets=settings.reset,
            stages=("frontend", "language_model", "vocoder"),
            details=_details(settings, voice, context),
        )

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        loaded = self._ready()
        voice, settings = loaded.voice, for_request(loaded.settings, request.overrides)
        began = time.monotonic()
        pieces = voice.pieces(request.text, request.voice or settings.speaker, settings, loaded.engine.tokenize)
        if not pieces:
            raise BackendRefused("the text holds nothing that can be spoken")
        progress()
        read_at = time.monotonic()
        spoken = [self._speak(piece, settings, (request.seed or 0) + i, progress) for i, piece in enumerate(pieces)]
        generated_at = time.monotonic()
        codes = np.concatenate([s.reading.codes for s in spoken])
        samples = voice.decode(codes)
        seconds = {
            "frontend": read_at - began,
            "language_model": generated_at - read_at,
            "vocoder": time.monotonic() - generated_at,
        }
        cut = any(s.generated.finish_reason == "length" for s in spoken)
        frames = round(len(samples) / (voice.layout.frame_seconds * voice.sample_rate))
        return Synthesis(
            samples=samples,
            sample_rate=voice.sample_rate,
            tokens=codes,
            token_count=sum(s.reading.speech_tokens for s in spoken),
            finish_reason="length" if cut else "stop",
            stage_seconds=seconds,
            notes={**_notes(spoken, voice, len(codes) - frames), **(_ids(spoken) if settings.note_ids else {})},
        )

    def _speak(
        self, piece: Piece, settings: LlamaSettings, seed: int, progress: Callable[[], None]
    ) -> GeneratedSegment:
        loaded = self._ready()
        asked = [*loaded.history, *piece.prompt]
        room = loaded.context - len(asked) - ROOM
        if room < 1 and loaded.history:
            loaded.history.clear()
            asked = piece.prompt
            room = loaded.context - len(asked) - ROOM
        if room < 1:
            raise BackendRefused(f"{piece.what} do not fit into a context of {loaded.context} tokens")
        cap = min(room, piece.cap)
        sampling = Sampling(
            temperature=settings.temperature,
            top_p=settings.top_p,
            top_k=settings.top_k,
            repeat_penalty=settings.repeat_penalty,
            seed=seed % LARGEST_SEED,
            limit=cap,
            stop=loaded.voice.stop,
            prompt_cache=settings.prompt_cache,
            grammar=piece.grammar,
            logprobs=settings.logprobs,
        )
        generated = loaded.engine.generate(asked, sampling, progress)
        if settings.carry_context:
            loaded.history = asked + generated.tokens
        return GeneratedSegment(piece, generated, loaded.voice.read(generated.tokens), cap, asked)

    def decode(self, tokens: Tokens) -> Samples:
        """Return the vocoder alone: codes (frames, codebooks) to samples.

        Frames outside of the codebooks are left out.
        """
        return self._ready().voice.decode(tokens)

    def reset(self) -> None:
        self._ready().history.clear()

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.engine.close()
            self._loaded = None

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise RuntimeError("load() comes first")
        return self._loaded


def _engine(settings: LlamaSettings, context: int) -> LlamaEngine:
    options = EngineOptions(
        settings.model, context, settings.threads, settings.flash_attention, settings.reset, settings.companions
    )
    if settings.engine == "llama-cpp-python":
        from harness.backends.llama_python import LlamaPython

        return LlamaPython(options)
    from harness.backends.llama_server import LlamaServer

    return LlamaServer(options)


def _notes(spoken: list[GeneratedSegment], voice: CodecVoice, invalid: int) -> dict[str, object]:
    return {
        "segments": len(spoken),
        "generated_tokens": sum(len(s.generated.tokens) for s in spoken),
        "cap": sum(s.cap for s in spoken),
        "malformed_tokens": sum(s.reading.malformed_tokens for s in spoken),
        "invalid_frames": invalid,
        **voice.notes(spoken, invalid),
        **_choices(spoken),
    }


def _ids(spoken: list[GeneratedSegment]) -> dict[str, object]:
    return {"generations": [{"prompt": list(one.asked), "tokens": list(one.generated.tokens)} for one in spoken]}


def _choices(spoken: list[GeneratedSegment]) -> dict[str, object]:
    if not any(s.generated.top for s in spoken):
        return {}
    top = [[[token, round(value, 6)] for token, value in step] for s in spoken for step in s.generated.top]
    return {"choices": {"tokens": [token for s in spoken for token in s.generated.tokens], "top": top}}


def _details(settings: LlamaSettings, voice: CodecVoice, context: int) -> Mapping[str, object]:
    content = settings.model.read_bytes()
    exact = settings.reset and not (settings.prompt_cache or settings.flash_attention or settings.threads > 1)
    exact = exact and not settings.companions
    return {
        "engine": f"llama.cpp through {settings.engine}",
        settings.engine: importlib.metadata.version(settings.engine),
        "voice": voice.name,
        "speaker": settings.speaker or voice.default_speaker,
        "model_file": settings.model.name,
        "model_bytes": len(content),
        "model_sha256": hashlib.sha256(content).hexdigest(),
        **voice.details(),
        "context": context,
        "vocoder": voice.vocoder,
        "exact_repeats": exact,
    }
