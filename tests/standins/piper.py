"""Stand-in for piper: text on stdin or as arguments, a voice with its .onnx.json, PCM16 at the voice's rate.

Like the program it joins all lines of its input into one file, and draws its noise anew every time unless both scales
are 0. ``STANDIN_FAIL``: those of ``speech.py``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np
import speech

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("-m", "--model", required=True)
parser.add_argument("-f", "--output-file", "--output_file")
parser.add_argument("-s", "--speaker", type=int)
for name in ("length", "noise", "noise-w"):
    parser.add_argument(f"--{name}-scale", f"--{name.replace('-', '_')}_scale", type=float)
parser.add_argument("--noise_w", dest="noise_w_scale", type=float)
parser.add_argument("--sentence-silence", "--sentence_silence", type=float, default=0.0)
given, words = parser.parse_known_args()

voice = Path(given.model)
if not voice.exists():
    raise ValueError(f"Unable to find voice: {voice} (use piper.download_voices)")
rate = json.loads(Path(f"{voice}.json").read_text())["audio"]["sample_rate"]
lines = [" ".join(words)] if words else [line.strip() for line in sys.stdin]
fixed = given.noise_scale == 0 and given.noise_w_scale == 0
pieces = [speech.say(line, 0 if fixed else random.getrandbits(31), rate) for line in lines if line]
if pieces:
    speech.save(given.output_file, np.concatenate(pieces), rate)
else:
    Path(given.output_file).write_bytes(b"")
