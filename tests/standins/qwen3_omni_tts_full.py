"""Stand-in for candle's example qwen3_omni_tts_full: its options, its log, its clamped PCM16.

``STANDIN_FAIL``: those of ``speech.py``, ``loud`` (four times full scale before the clamp), ``range`` (a token out of
its codebook), ``collapse`` (six different tokens), ``runaway`` (up to --max-steps), ``quantized`` (other tokens from
the middle on).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import speech

BOOKS, SIZE, FRAME = 8, 4096, 1920

parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("--model", "--tokenizer", "--prompt", "--output"):
    parser.add_argument(name, required=True)
parser.add_argument("--cpu", action="store_true")
parser.add_argument("--max-steps", type=int)
given = parser.parse_args()
steps = given.max_steps or 3 * len(given.prompt.split())
assert Path(given.model).is_file()

samples = speech.say(given.prompt)
stopped = True
if speech.fails("runaway", given.prompt) or len(samples) // FRAME > steps:
    samples, stopped = np.resize(samples, steps * FRAME), False
frames = len(samples) // FRAME
samples = samples[: frames * FRAME]
codes = np.random.default_rng(len(given.prompt)).integers(0, SIZE, (frames, BOOKS))
if speech.fails("quantized", given.prompt):
    codes[frames // 2 :] = (codes[frames // 2 :] + 1) % SIZE
if speech.fails("collapse", given.prompt):
    codes = codes % 6
if speech.fails("range", given.prompt):
    codes[frames // 2, 3] = SIZE + 7
if speech.fails("loud", given.prompt):
    samples = samples * 4 / np.abs(samples).max()
print(f"Generated {frames} positions x {BOOKS} codebooks")
print("STOP token detected" if stopped else "max steps reached")
print(f"Codec tokens: {codes.reshape(-1).tolist()}")
print(f"Range: [{samples.min():.4f}, {samples.max():.4f}]")
print(f"RMS: {np.sqrt((samples**2).mean()):.4f}")
speech.save(given.output, np.clip(samples, -1, 1), 24000)
