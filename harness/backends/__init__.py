"""Adapters by name. Listing them imports none of them."""

from __future__ import annotations

from harness.backends.base import Backend
from harness.core.registry import Registry

ADAPTERS: Registry[type[Backend]] = Registry(
    "adapter", "tts_soak.adapters", ("check", "load", "synthesize", "reset", "close")
)
for _name, _target in {
    "null": "harness.backends.null:NullBackend",
    "llama_codec": "harness.backends.llama_codec:LlamaCodec",
    "command": "harness.backends.command:CommandBackend",
    "interactive": "harness.backends.interactive:InteractiveBackend",
    "http": "harness.backends.http:HttpBackend",
    "websocket": "harness.backends.websocket:WebsocketBackend",
    "python": "harness.backends.python_callable:PythonBackend",
    "recorded": "harness.backends.recorded:RecordedBackend",
    "faulty": "harness.experiments.injection.adapter:FaultyBackend",  # a room above: it joins adapters and injectors
}.items():
    ADAPTERS.add(_name, _target)
