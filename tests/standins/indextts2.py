"""Stand-in for the indextts2 program: its options, ignored ones included, its log on both streams, PCM16 at 22,050 Hz.

``STANDIN_FAIL``: those of ``speech.py``, ``random-init`` (a checkpoint that is not found). ``STANDIN_DRAW``: the seed
that the program itself cannot be given, so that a test can compare one take with itself.
"""

from __future__ import annotations

import argparse
import os
import random
import sys

import speech

RATE = 22050
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--cpu", action="store_true")
commands = parser.add_subparsers(dest="command", required=True)
infer = commands.add_parser("infer", allow_abbrev=False)
for name in ("--text", "--speaker", "--output"):
    infer.add_argument(name, required=True)
for name in ("--temperature", "--top-k", "--top-p", "--config", "--max-tokens"):
    infer.add_argument(name)
infer.add_argument("--stream", action="store_true")
given = parser.parse_args()

if speech.fails("random-init", given.text):
    print("Warning: s2mel weights not found, using random initialization", file=sys.stderr)
draw = int(os.environ.get("STANDIN_DRAW") or random.getrandbits(31))
samples = speech.say(given.text, draw, RATE)
codes = len(samples) // 441
print(f"DEBUG: mel_codes count={codes}", file=sys.stderr)
print(f"Generated {codes} mel codes")
speech.save(given.output, samples, RATE)
print("RTF: 2.13x")
