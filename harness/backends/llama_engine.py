"""What both engines of ``llama_codec`` are told and give, and what the adapter may ask of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the model is loaded and run. Fixed for the life of the engine."""

    model: Path
    context: int
    threads: int
    flash_attention: bool
    reset: bool = True  # clear the context before every request
    companions: int = 0  # requests in parallel slots that are generated beside each one, and thrown away


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn. ``limit`` counts generated tokens; ``stop`` ends them, like the model's own end."""

    temperature: float
    top_p: float
    top_k: int
    seed: int
    limit: int
    prompt_cache: bool
    stop: int
    repeat_penalty: float = 1.0
    grammar: str | None = None  # what the generated text must look like, in llama.cpp's GBNF
    logprobs: int = 0  # most probable tokens to report at every step


@dataclass(frozen=True, slots=True)
class Generated:
    """Token ids in order and why the generation ended: "stop" or "length".

    ``top`` holds, a step, the most probable ids with their natural logarithms of probability before any sampler; empty
    unless asked for.
    """

    tokens: list[int]
    finish_reason: str
    top: list[list[tuple[int, float]]] = field(default_factory=list)


class LlamaEngine(Protocol):
    """A loaded model. One request at a time."""

    def generate(self, prompt: Sequence[int], sampling: Sampling, progress: Callable[[], None]) -> Generated:
        """Generate from token ids; ``progress`` is called for every token. Raises BackendRefused."""
        ...

    def tokenize(self, text: str) -> list[int]:
        """Return ids of a text alone: nothing is put before it, and nothing in it is taken for a control token."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
