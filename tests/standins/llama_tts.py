"""Stand-in for llama.cpp's llama-tts: its options, its log on stderr, its PCM16 at 24 kHz, 320 samples a code.

As the program does, the first 0.25 s are silence and a text with no code in its answer ends in an error.
``STANDIN_FAIL``: those of ``speech.py``, ``runaway`` (up to the 4,096 tokens of -n), ``no-codes``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import speech

HOP, RATE, LIMIT, WORDS = 320, 24000, 4096, 12  # tokens of a word that are no codes

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("-m", "--model")
parser.add_argument("-mv", "--model-vocoder")
parser.add_argument("-p", "--prompt")
parser.add_argument("-o", "--output", default="output.wav")
parser.add_argument("-s", "--seed", type=int, default=0)
parser.add_argument("-n", "--predict", type=int, default=LIMIT)
parser.add_argument("--version", action="store_true")
given = parser.parse_args()


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if given.version:
    log("version: 4500 (stand-in)")
    sys.exit(0)
if not (given.model and Path(given.model).is_file() and given.model_vocoder and Path(given.model_vocoder).is_file()):
    log("error: failed to load model")
    sys.exit(1)
log(f"sampler seed: {given.seed + 1}")
log("main: loading done")
samples = speech.say(given.prompt, given.seed, RATE)
codes = len(samples) // HOP
total = codes + WORDS * len(given.prompt.split())
if speech.fails("runaway", given.prompt):
    total, codes = given.predict + 1, given.predict - WORDS * len(given.prompt.split())
if speech.fails("no-codes", given.prompt):
    codes, total = 0, 9
drawn = np.random.default_rng(given.seed).integers(0, 4096, codes)
log(f"main: codes size: {total}")
log("codes audio: '" + "".join(f"<|{code}|>" for code in drawn) + "'")
log(f"main: codes audio size: {codes}")
if not codes:
    log("main: llama_decode() failed")
    sys.exit(1)
sound = np.resize(samples, codes * HOP)
sound[: RATE // 4] = 0
speech.save(given.output, sound, RATE)
log(f"main: audio written to file '{given.output}'")
