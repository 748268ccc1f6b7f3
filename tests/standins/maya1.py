"""Stand-in for MayaBook's two functions: their signatures, their int16 WAVs at 24 kHz, their log lines.

Frames have 7 slots of SNAC, 2,048 samples; the last frame is lost by the decoder, so n tokens are (n // 7 - 1) x 2,048
samples. ``STANDIN_FAIL``: those of ``speech.py``, ``runaway`` (up to ``max_tokens``), ``bleed`` (the chunk before is
heard again), ``quiet-first`` (the first try is silent and tried again), ``hot`` (``runaway`` at more than 0.8).
"""

from __future__ import annotations

import logging
import os
import random
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import speech

log = logging.getLogger("maya1")
FRAME = 2048
_before: list[np.ndarray] = []


def synthesize_chunk_local(
    model_path, text, voice_description, temperature=0.45, top_p=0.92, max_tokens=2500, n_ctx=4096, n_gpu_layers=-1
):
    """Speak with a seed of the text; the path of a WAV."""
    return _speak(text, zlib.crc32(text.encode()), max_tokens, temperature)


def synthesize_chunk_hf(model_path, text, voice_description, temperature, top_p, max_tokens):
    """Speak with the generators as they are; the path of a WAV."""
    return _speak(text, random.getrandbits(31), max_tokens, temperature)


def _speak(text, seed, max_tokens, temperature):
    for attempt in range(1, 4):
        samples = speech.say(text, seed)
        if speech.fails("quiet-first", text) and attempt == 1:
            samples = samples * 0
        if speech.fails("bleed", text) and _before:
            samples = np.concatenate([_before[-1][: len(_before[-1]) // 2], samples])
        if speech.fails("runaway", text) or (speech.fails("hot", text) and temperature > 0.8):
            samples = np.resize(samples, max_tokens * FRAME)
        tokens = min((len(samples) // FRAME + 1) * 7, max_tokens)
        log.info("Generated %d tokens (attempt %d)", tokens, attempt)
        frames = tokens // 7 - 1
        samples = samples[: frames * FRAME]
        log.info("SNAC extraction: %d frames, code_end_index=%d", frames, tokens)
        if np.sqrt((samples**2).mean()) >= 1e-3:
            break
    _before.append(samples)
    handle, path = tempfile.mkstemp(suffix=".wav")
    os.close(handle)
    speech.save(path, samples, 24000)
    return path
