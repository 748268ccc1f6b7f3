"""Stand-in for 99_parity_check.py: its options, its stage lines, its two WAVs, T_mel x 600 - 50 samples at 24 kHz.

``STANDIN_FAIL``: those of ``speech.py`` (on the Core ML side), ``stage`` (the decoder fails and only a line says so).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import speech

parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("--reference-wav", "--text", "--coreml-dir", "--out-dir"):
    parser.add_argument(name, required=True)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--diffusion-steps", type=int, default=5)
given = parser.parse_args()
out = Path(given.out_dir)
out.mkdir(parents=True, exist_ok=True)
assert Path(given.reference_wav).is_file()

made = speech.say(given.text, given.seed)
frames = len(made) // 600
made = made[: frames * 600 - 50]
print(f"[parity]   PyTorch done in 0.50s  T_mel={frames}  bucket=512")
speech.save(str(out / "pytorch.wav"), made, 24000)
for stage in ("t_en", "F0"):
    print(f"  {stage}: cos=0.999987  max|Δ|=1.2000e-03  shape=(1, 512, {frames})")
if speech.fails("stage", given.text):
    print("[parity] Stage D failed: Unable to compute the prediction")
else:
    other = made + np.random.default_rng(1).normal(0, 1e-4, len(made))
    cosine = float(made @ other / np.linalg.norm(made) / np.linalg.norm(other)) if made.any() else float("nan")
    print(f"  waveform: cos={cosine:.6f}  max|Δ|={np.abs(made - other).max():.4e}  shape=({len(made)},)")
    speech.save(str(out / "coreml.wav"), other, 24000)
print("[parity] done.")
