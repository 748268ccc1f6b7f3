"""Stand-in for 99c_e2e_optimized.py: timings of the stages, RTFx, log-mel cosine against a baseline; 24 kHz.

``STANDIN_FAIL``: those of ``speech.py``. The first run with a set of packages compiles them, which is slow: a file in
the folder says that it has been done.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import speech

parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("--reference-wav", "--text", "--out"):
    parser.add_argument(name, required=True)
parser.add_argument("--coreml-dir", default="coreml")
parser.add_argument("--baseline-wav")
given = parser.parse_args()
assert Path(given.reference_wav).is_file()

compiled = Path(given.coreml_dir) / ".compiled"
cold = not compiled.is_file()
if cold:
    time.sleep(0.4)
    compiled.parent.mkdir(parents=True, exist_ok=True)
    compiled.touch()
made = speech.say(given.text, 0)
made = made[: len(made) // 600 * 600 - 50]
if "int8d" in given.coreml_dir:
    made = made + np.random.default_rng(0).normal(0, 0.05, len(made))
seconds = len(made) / 24000
print(f"bert: 12.1 ms  duration: 3.0 ms  decoder: {seconds / 4.32 * 1000:.1f} ms")
print(f"RTFx: {1.24 if cold else 4.32:.2f}")
if given.baseline_wav:
    print("log-mel cosine: 0.9687")
speech.save(given.out, made, 24000)
