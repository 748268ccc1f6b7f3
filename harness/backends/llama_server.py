"""llama.cpp's server inside this process, asked for raw token ids."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Required, TypedDict
from urllib.parse import urlsplit

from harness.backends.base import BackendRefused
from harness.backends.llama_engine import EngineOptions, Generated, Sampling


class LlamaServer:
    """One model, one request at a time; a slot for it, and one for each companion that is generated beside it."""

    def __init__(self, options: EngineOptions) -> None:
        import xllamacpp

        kinds = xllamacpp.llama_flash_attn_type
        params = xllamacpp.CommonParams()
        params.model.path = str(options.model)
        params.n_ctx = options.context * (1 + options.companions)  # the slots share it evenly
        params.n_parallel = 1 + options.companions
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
        self._companions = options.companions
        self._server = xllamacpp.Server(params)
        address = urlsplit(str(self._server.listening_address))
        self._host, self._port = address.hostname or "127.0.0.1", address.port

    def generate(self, prompt: Sequence[int], sampling: Sampling, progress: Callable[[], None]) -> Generated:
        """Stream one completion. ``progress`` is called for every token.

        Raises BackendRefused with the server's words.
        """
        body = _body(prompt, sampling)
        connection = http.client.HTTPConnection(self._host, self._port)
        with contextlib.closing(connection), Companions(self._host, self._port, body, self._companions):
            return _collect(_asked(connection, "/completion", body), sampling.stop, progress)

    def tokenize(self, text: str) -> list[int]:
        """Return ids of a text alone: nothing is put before it, and nothing in it is taken for a control token."""
        body = {"content": text, "add_special": False, "parse_special": False}
        with contextlib.closing(http.client.HTTPConnection(self._host, self._port)) as connection:
            answer: _Tokenized = json.loads(_asked(connection, "/tokenize", body).read())
        return [int(token) for token in answer["tokens"]]

    def close(self) -> None:
        """Free the model."""
        self._server = None


class Companions:
    """Other requests that are generated while this context is open: same prompt, other seeds, no end of their own.

    Entering waits until each has given a token, so that all of them share their batches with what is asked inside.
    """

    def __init__(self, host: str, port: int | None, body: _Body, count: int) -> None:
        self._connections = [http.client.HTTPConnection(host, port) for _ in range(count)]
        self._bodies: list[_Body] = [
            {**body, "seed": (body["seed"] + 1 + i) % 2**32, "ignore_eos": True, "n_probs": 0, "grammar": ""}
            for i in range(count)
        ]
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> Companions:
        for connection, body in zip(self._connections, self._bodies, strict=True):
            response = _asked(connection, "/completion", body)
            response.readline()
            self._readers.append(threading.Thread(target=_drain, args=(response,), daemon=True))
            self._readers[-1].start()
        return self

    def __exit__(self, *error: object) -> None:
        for connection in self._connections:
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)  # the server ends a generation that nobody reads
        for reader in self._readers:
            reader.join()
        for connection in self._connections:
            connection.close()


class _Likely(TypedDict):
    id: int
    logprob: float


class _Step(TypedDict):
    top_logprobs: list[_Likely]


class _Failure(TypedDict, total=False):
    message: str


class _Event(TypedDict, total=False):
    """One event of a completion's stream."""

    tokens: Required[list[int]]
    completion_probabilities: list[_Step]
    stop: bool
    stop_type: str
    error: _Failure


class _Body(TypedDict, total=False):
    """What a completion is asked for with."""

    prompt: list[int]
    n_predict: int
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repeat_penalty: float
    samplers: list[str]
    seed: int
    cache_prompt: bool
    return_tokens: bool
    stream: bool
    n_probs: int
    ignore_eos: bool
    grammar: str


def _drain(response: http.client.HTTPResponse) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        while response.readline():
            pass


def _body(prompt: Sequence[int], sampling: Sampling) -> _Body:
    return {
        "prompt": list(prompt),
        "n_predict": sampling.limit,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": 0.0,
        "repeat_penalty": sampling.repeat_penalty,
        "samplers": [*(["penalties"] if sampling.repeat_penalty != 1 else []), "top_k", "top_p", "temperature"],
        "seed": sampling.seed,
        "cache_prompt": sampling.prompt_cache,
        "return_tokens": True,
        "stream": True,
        "n_probs": sampling.logprobs,
        "grammar": sampling.grammar or "",
    }


def _asked(connection: http.client.HTTPConnection, path: str, body: Mapping[str, object]) -> http.client.HTTPResponse:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise BackendRefused(f"llama.cpp: {_reason(response.read())}")
    return response


def _collect(response: http.client.HTTPResponse, stop: int, progress: Callable[[], None]) -> Generated:
    """Read the stream to its end, or to ``stop``, which the model's file need not know as its end."""
    tokens: list[int] = []
    top: list[list[tuple[int, float]]] = []
    for line in response:
        if not line.startswith(b"data: "):
            if line.startswith(b"error:"):
                raise BackendRefused(f"llama.cpp: {_reason(line[6:])}")
            continue
        event: _Event = json.loads(line[6:])
        if "error" in event:
            raise BackendRefused(f"llama.cpp: {event['error'].get('message', event['error'])}")
        tokens += event["tokens"]
        for step in event.get("completion_probabilities", []):
            top.append([(int(one["id"]), float(one["logprob"])) for one in step["top_logprobs"]])
        progress()
        if stop in event["tokens"] and not event.get("stop"):
            kept = len(tokens) - len(event["tokens"]) + event["tokens"].index(stop) + 1
            return Generated(tokens[:kept], "stop", top[:kept])
        if event.get("stop"):
            return Generated(tokens, "length" if event.get("stop_type") == "limit" else "stop", top)
    raise BackendRefused("llama.cpp: the stream ended before the generation did")


class _Tokenized(TypedDict):
    tokens: list[int]


class _ServerError(TypedDict):
    message: str


class _RefusedBody(TypedDict):
    error: _ServerError


def _reason(body: bytes) -> str:
    try:
        answer: _RefusedBody = json.loads(body)
        return str(answer["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()[:300]
