"""llama.cpp's server inside this process, asked for raw token ids (layer 2)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.backends.base import BackendRefused


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the model is loaded and run. Fixed for the life of the server."""

    model: Path
    context: int
    threads: int
    flash_attention: bool


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn. ``limit`` counts generated tokens."""

    temperature: float
    top_p: float
    top_k: int
    seed: int
    limit: int
    prompt_cache: bool
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


class LlamaServer:
    """One model, one slot, one request at a time."""

    def __init__(self, options: ServerOptions) -> None:
        import xllamacpp

        kinds = xllamacpp.llama_flash_attn_type
        params = xllamacpp.CommonParams()
        params.model.path = str(options.model)
        params.n_ctx = options.context
        params.n_parallel = 1
        params.cpuparams.n_threads = options.threads
        params.cpuparams_batch.n_threads = options.threads
        params.n_gpu_layers = 0
        params.warmup = False
        params.verbosity = -1
        params.fit_params = False
        params.cache_ram_mib = 0
        params.cache_idle_slots = False
        params.endpoint_slots = False
        params.flash_attn_type = (
            kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED if options.flash_attention else kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        self._server: Any = xllamacpp.Server(params)
        address = urlsplit(str(self._server.listening_address))
        self._host, self._port = address.hostname or "127.0.0.1", address.port

    def generate(self, prompt: Sequence[int], sampling: Sampling, progress: Callable[[], None]) -> Generated:
        """Stream one completion. ``progress`` is called for every token.

        Raises BackendRefused with the server's words.
        """
        body = {
            "prompt": list(prompt),
            "n_predict": sampling.limit,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": 0.0,
            "repeat_penalty": 1.0,
            "samplers": ["top_k", "top_p", "temperature"],
            "seed": sampling.seed,
            "cache_prompt": sampling.prompt_cache,
            "return_tokens": True,
            "stream": True,
            "n_probs": sampling.logprobs,
        }
        connection = http.client.HTTPConnection(self._host, self._port)
        try:
            connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise BackendRefused(f"llama.cpp: {_reason(response.read())}")
            return _collect(response, progress)
        finally:
            connection.close()

    def close(self) -> None:
        """Free the model."""
        self._server = None


def _collect(response: http.client.HTTPResponse, progress: Callable[[], None]) -> Generated:
    tokens: list[int] = []
    top: list[list[tuple[int, float]]] = []
    for line in response:
        if not line.startswith(b"data: "):
            if line.startswith(b"error:"):
                raise BackendRefused(f"llama.cpp: {_reason(line[6:])}")
            continue
        event = json.loads(line[6:])
        if "error" in event:
            raise BackendRefused(f"llama.cpp: {event['error'].get('message', event['error'])}")
        tokens += event["tokens"]
        for step in event.get("completion_probabilities", ()):
            top.append([(int(one["id"]), float(one["logprob"])) for one in step["top_logprobs"]])
        progress()
        if event.get("stop"):
            return Generated(tokens, "length" if event.get("stop_type") == "limit" else "stop", top)
    raise BackendRefused("llama.cpp: the stream ended before the generation did")


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()[:300]
