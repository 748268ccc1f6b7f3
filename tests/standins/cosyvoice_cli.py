"""Stand-in for cosyvoice-cli: its options, its prompt, its log lines, its two kinds of WAV, its known failures.

``STANDIN_FAIL``: those of ``speech.py``, ``segfault`` (beyond 273 tokens), ``ignores-seed``, ``memory`` (grows with the
tokens), ``natural-prompt`` (most texts are near-empty where the voice was made from a natural recording).
``STANDIN_WAV``: float or pcm16 (the builds without and with FFmpeg).
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
import zlib
from pathlib import Path

import speech

RATE, TOKEN = 24000, 960
PROMPT = b""


def synthesize(text: str, seed: int) -> object:
    """Speech; the decoder's memory error strikes beyond 273 tokens where it is asked for."""
    samples = speech.say(text, seed, RATE)
    tokens = len(samples) // TOKEN
    if speech.fails("memory", text):
        ballast = bytearray(tokens * 400_000)
        ballast[::4096] = b"x" * len(ballast[::4096])
        time.sleep(0.5)
    if speech.fails("natural-prompt", text) and b"natural" in PROMPT and zlib.crc32(text.encode()) % 10 < 7:
        samples = samples[len(samples) // 3 :][: RATE // 3]
    if speech.fails("segfault", text) and tokens > 273:
        print(f"ggml: ne[1] > 0xFFFF for tensor {{896,{tokens * 240 + 1},1,1}}", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    return samples


def save(path: str, samples: object) -> None:
    kind = {"float": "FLOAT", "pcm16": "PCM_16"}[os.environ.get("STANDIN_WAV", "float")]
    speech.save(path, samples, RATE, kind)  # type: ignore[arg-type]


def interactive(seed: int | None) -> None:
    kept, policy, following = [], "random", seed
    print("> ", end="", flush=True)
    for line in sys.stdin:
        command, _, rest = line.rstrip("\n").partition(" ")
        if command == "/exit":
            return
        if command == "/seed":
            following = int(rest)
            print(f"seed = {following}")
        elif command == "/seed-policy":
            policy = rest
            print(f"seed policy = {policy}")
        elif command == "/clear":
            kept.clear()
            print("cleared")
        elif command == "/save":
            if kept:
                save(rest, kept[-1])
                print(f"Saved {rest}")
            else:
                print("Error: no cached audio")
        elif command.startswith("/"):
            print(f"Error: unknown command {command}")
        elif line.strip():
            used = following if following is not None and policy == "fixed" else random.getrandbits(32)
            if speech.fails("ignores-seed", line):
                used = random.getrandbits(32)
            samples = synthesize(line.strip(), used)
            kept.append(samples)
            print(f"Generated audio {len(kept)} ({len(samples) / RATE:.2f}s, rtf=0.512), seed={used}")
        print("> ", end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in (
        "--model", "--speech-tokenizer", "--campplus", "--prompt-audio", "--prompt-text", "--text", "--output",
        "--prompt-speech", "--prompt-speech-output", "--llm-kv-cache-type", "--backend",
    ):  # fmt: skip
        parser.add_argument(name)
    parser.add_argument("--seed", type=int)
    for name in ("--cpu", "--interactive", "--frontend-only"):
        parser.add_argument(name, action="store_true")
    given = parser.parse_args()
    frontend = given.speech_tokenizer and given.campplus and given.prompt_audio and given.prompt_text
    if given.frontend_only:
        Path(given.prompt_speech_output).write_bytes(b"GGUF")
        return
    if given.prompt_speech:
        globals()["PROMPT"] = Path(given.prompt_speech).read_bytes()
    if not given.model or not (given.prompt_speech or frontend):
        parser.error("a model and one source of the prompt are required")
    if given.interactive:
        interactive(given.seed)
        return
    samples = synthesize(given.text, given.seed if given.seed is not None else random.getrandbits(32))
    save(given.output, samples)
    print(f"Output: {given.output} ({len(samples) / RATE:.2f}s)")


main()
