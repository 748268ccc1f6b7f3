"""Settings of the ``llama_codec`` adapter, checked before anything runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from harness.core.errors import ConfigError, nearest
from harness.core.records import Variant


@dataclass(frozen=True, slots=True)
class LlamaSettings:
    """What a variant may set. ``None`` means: as the voice's own ``voice.json`` says."""

    model: Path = Path()  # GGUF file
    voice_json: Path | None = None  # default: voice.json in voice_dir, else beside the model
    voice_dir: Path | None = None
    speaker: str | None = None
    temperature: float = 0.6
    top_p: float = 0.95
    top_k: int = 0  # 0: off
    threads: int = 1
    flash_attention: bool = False
    prompt_cache: bool = False  # true is faster and not exact from request to request
    max_tokens: int | None = None  # generated tokens a segment, markers included; None: the voice's rule
    segment_phones: int | None = None  # longest piece spoken in one generation; 0: whole chunks
    split: str | None = None  # "sentences": each is a generation of its own; "chunk": the whole text is one
    constrained: bool = False  # a grammar holds the generation to the text's phones, each once and in order
    carry_context: bool = False  # deliberately wrong: the previous chunk stays in the context
    context: int | None = None  # tokens
    logprobs: int = 0  # most probable tokens to note at every step; 0: none. Slower, changes no token
    note_ids: bool = False  # note the ids of every prompt and of what was generated
    repeat_penalty: float = 1.0  # over the last 64 tokens; 1: off
    engine: str = "xllamacpp"
    companions: int = 0  # other requests in parallel slots, generated at the same time (xllamacpp only)
    reset: bool = True  # false (llama-cpp-python): nothing is cleared from one request to the next

    @property
    def description(self) -> Path:
        """Return path of ``voice.json``."""
        return self.voice_json or (self.voice_dir or self.model.parent) / "voice.json"


ENGINES = ("xllamacpp", "llama-cpp-python")
SPLITS = ("chunk", "sentences")
PER_REQUEST = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "repeat_penalty",
        "prompt_cache",
        "max_tokens",
        "segment_phones",
        "split",
        "constrained",
        "speaker",
        "logprobs",
        "note_ids",
    }
)
PATHS = frozenset({"model", "voice_json", "voice_dir"})
RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0.0, 5.0), "top_p": (0.0, 1.0), "top_k": (0, 10**6), "threads": (1, 256),
    "max_tokens": (1, 10**6), "segment_phones": (0, 10**6), "context": (64, 10**6),
    "logprobs": (0, 1000), "repeat_penalty": (0.0, 10.0), "companions": (0, 15),
}  # fmt: skip
KINDS: Mapping[str, type] = {
    "temperature": float, "top_p": float, "top_k": int, "threads": int, "flash_attention": bool, "prompt_cache": bool,
    "max_tokens": int, "segment_phones": int, "carry_context": bool, "context": int, "speaker": str, "logprobs": int,
    "repeat_penalty": float, "split": str, "engine": str, "reset": bool, "note_ids": bool, "companions": int,
    "constrained": bool,
}  # fmt: skip


def _checked(key: str, value: Any, where: str) -> Any:
    if key in PATHS:
        return Path(str(value))
    kind = KINDS[key]
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value, fits = float(value), True
    if not fits:
        raise ConfigError(f"{where}: {key} must be {kind.__name__}, not {value!r}")
    if key in RANGES and not RANGES[key][0] <= value <= RANGES[key][1]:
        raise ConfigError(f"{where}: {key} must lie in {RANGES[key][0]} to {RANGES[key][1]}, not {value!r}")
    if key == "split" and value not in SPLITS:
        raise ConfigError(f"{where}: split cannot be {value!r}{nearest(value, SPLITS)}")
    return value


def from_variant(variant: Variant) -> LlamaSettings:
    """Return settings of a variant.

    Raises ConfigError (file, variant, key) on unknown keys, wrong kinds and missing files.
    """
    where = f"{variant.source or 'variant'}: {variant.name}"
    names = {f.name for f in fields(LlamaSettings)}
    for key in variant.settings:
        if key not in names:
            raise ConfigError(f"{where}: unknown key {key!r} for llama_codec{nearest(key, names)}")
    if "model" not in variant.settings:
        raise ConfigError(f"{where}: key 'model' is missing (path of a GGUF file)")
    given = {k: _checked(k, v, where) for k, v in variant.settings.items() if v is not None}
    settings = LlamaSettings(**given)
    if variant.voice and settings.speaker is None:
        settings = replace(settings, speaker=variant.voice)
    if not settings.model.is_file():
        raise ConfigError(f"{where}: model: no such file: {settings.model}{_beside(settings.model)}")
    if not settings.description.is_file():
        raise ConfigError(f"{where}: voice_json: no such file: {settings.description}")
    _check_engine(settings, where)
    return settings


def _check_engine(settings: LlamaSettings, where: str) -> None:
    if settings.engine not in ENGINES:
        raise ConfigError(f"{where}: engine cannot be {settings.engine!r}{nearest(settings.engine, ENGINES)}")
    if settings.engine == "xllamacpp" and not settings.reset:
        raise ConfigError(f"{where}: reset = false needs engine = 'llama-cpp-python'; xllamacpp clears every time")
    if settings.companions and settings.engine != "xllamacpp":
        raise ConfigError(f"{where}: companions needs engine = 'xllamacpp'; llama-cpp-python has no parallel slots")
    if settings.engine == "llama-cpp-python" and importlib.util.find_spec("llama_cpp") is None:
        raise ConfigError(
            f"{where}: engine: llama-cpp-python is not installed: pip install llama-cpp-python (the extra 'divergence')"
        )


def for_request(settings: LlamaSettings, overrides: Mapping[str, object]) -> LlamaSettings:
    """Return settings with the overrides of one request. Raises ConfigError on a key that is fixed once loaded."""
    for key in overrides:
        if key not in PER_REQUEST:
            raise ConfigError(f"request: {key!r} cannot be set for one request{nearest(key, PER_REQUEST)}")
    return replace(settings, **{k: _checked(k, v, "request") for k, v in overrides.items() if v is not None})


def _beside(model: Path) -> str:
    names = [p.name for p in model.parent.glob("*.gguf")] if model.parent.is_dir() else []
    return nearest(model.name, names)
