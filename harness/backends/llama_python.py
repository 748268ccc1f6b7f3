"""llama-cpp-python as an engine: the library that many published players use, its ``reset()`` a setting."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from harness.backends.base import BackendRefused
from harness.backends.llama_engine import EngineOptions, Generated, Sampling

if TYPE_CHECKING:
    from llama_cpp import LlamaGrammar
    from llama_cpp.llama_cpp import llama_model_params


class LlamaPython:
    """One model in this process. One request at a time.

    With ``reset`` (the default) the context is cleared before every request. ``prompt_cache`` leaves it to the library
    instead, which keeps the part of the context that two prompts share. Without ``reset`` nothing is cleared at all:
    the next prompt follows what was generated before, until the context is full.
    """

    def __init__(self, options: EngineOptions) -> None:
        import llama_cpp

        self._options = options
        with without_repacking(llama_cpp):
            self._model = llama_cpp.Llama(
                str(options.model),
                n_ctx=options.context,
                n_threads=options.threads,
                n_threads_batch=options.threads,
                flash_attn=options.flash_attention,
                verbose=False,
            )
        self._logits = llama_cpp.llama_get_logits_ith

    def generate(self, prompt: Sequence[int], sampling: Sampling, progress: Callable[[], None]) -> Generated:
        """Draw tokens one by one. Raises BackendRefused where the context, never cleared, has no room left."""
        model = self._model
        if self._options.reset and not sampling.prompt_cache:
            model.reset()
        if not self._options.reset and model.n_tokens + len(prompt) + sampling.limit > self._options.context:
            raise BackendRefused(
                f"the context of {self._options.context} tokens holds {model.n_tokens} of earlier requests and has no "
                f"room for {len(prompt)} more and {sampling.limit} generated ones: reset = false never clears it"
            )
        model.set_seed(sampling.seed)
        drawn = model.generate(
            list(prompt),
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            min_p=0.0,
            temp=sampling.temperature,
            repeat_penalty=sampling.repeat_penalty,
            reset=self._options.reset,
            grammar=_grammar(sampling.grammar),
        )
        with contextlib.closing(drawn):
            return self._collect(drawn, sampling, progress)

    def _collect(self, drawn: Iterator[int], sampling: Sampling, progress: Callable[[], None]) -> Generated:
        tokens: list[int] = []
        top: list[list[tuple[int, float]]] = []
        ends = {sampling.stop, int(self._model.token_eos())}
        for token in drawn:
            tokens.append(int(token))
            if sampling.logprobs:
                top.append(self._most_probable(sampling.logprobs))
            progress()
            if token in ends:
                return Generated(tokens, "stop", top)
            if len(tokens) >= sampling.limit:
                break
        return Generated(tokens, "length", top)

    def _most_probable(self, count: int) -> list[tuple[int, float]]:
        """Of the distribution that the last token was drawn from, before any sampler."""
        size = self._model.n_vocab()
        logits = np.ctypeslib.as_array(self._logits(self._model.ctx, -1), shape=(size,)).astype(np.float64)
        best = np.argsort(-logits, kind="stable")[:count]
        total = logits.max() + np.log(np.exp(logits - logits.max()).sum())
        return [(int(token), float(logits[token] - total)) for token in best]

    def tokenize(self, text: str) -> list[int]:
        """Return ids of a text alone: nothing is put before it, and nothing in it is taken for a control token."""
        return [int(token) for token in self._model.tokenize(text.encode("utf-8"), add_bos=False, special=False)]

    def close(self) -> None:
        """Free the model."""
        self._model.close()


def _grammar(text: str | None) -> LlamaGrammar | None:
    if text is None:
        return None
    from llama_cpp import LlamaGrammar

    return LlamaGrammar.from_string(text, verbose=False)


@contextlib.contextmanager
def without_repacking(library: ModuleType) -> Iterator[None]:
    """Load without repacked weights: they crash quantized models on CPUs with AMX, and ``Llama`` has no key for it."""
    low = library.llama_cpp
    usual = low.llama_model_default_params

    def changed() -> llama_model_params:
        params = usual()
        params.use_extra_bufts = False
        return params

    low.llama_model_default_params = changed
    try:
        yield
    finally:
        low.llama_model_default_params = usual
