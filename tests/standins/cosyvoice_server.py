"""Stand-in for cosyvoice-server: /healthz, /v1/models, /v1/audio/speech with the seed at the top level."""

from __future__ import annotations

import argparse
import json
import os
import signal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import speech

from harness.audio import float_to_pcm, wav_bytes


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._give(200, "application/json", b'{"status": "ok"}')

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not {"model", "input", "voice"} <= set(asked):
            self._error(400, "model, input and voice are required")
        elif asked["voice"] not in VOICES:
            self._error(400, f"unknown voice {asked['voice']}")
        elif speech.fails("abort", asked["input"]):
            os.kill(os.getpid(), signal.SIGABRT)
        else:
            samples = speech.say(asked["input"], asked.get("seed", 0))
            if asked.get("response_format") == "pcm":
                self._give(200, "audio/pcm", float_to_pcm(samples, "PCM_16"))
            else:
                self._give(200, "audio/wav", wav_bytes(samples, 24000, "PCM_16"))

    def _error(self, status: int, message: str) -> None:
        self._give(status, "application/json", json.dumps({"error": {"message": message}}).encode())

    def _give(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--model", required=True)
parser.add_argument("--voice-prompt", action="append", required=True)
parser.add_argument("--llm-kv-cache-type", default="q8_0")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=8080)
parser.add_argument("--api", action="store_true")
given = parser.parse_args()
VOICES = dict(pair.split("=", 1) for pair in given.voice_prompt)
assert all(Path(path).is_file() for path in VOICES.values())
HTTPServer((given.host, given.port), Handler).serve_forever()
