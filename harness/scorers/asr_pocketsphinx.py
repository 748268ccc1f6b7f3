"""PocketSphinx as forced alignment uses it: an utterance at a time, whatever was decoded before, at a fixed level."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from harness.scorers.asr import RATE
from harness.types import Samples

FRAME_SECONDS = 0.01
LEVEL_DBFS = -20.0  # active level the models were trained near; a fixed one makes the score independent of gain
DITHER = 1e-4  # -80 dBFS; digital silence has no logarithm, and was recognized as words
SHORTEST = 0.1  # s; less than this is no word, and the front end cannot take it


def utterance(decoder: Any, samples: Samples) -> list[Any]:
    """Decode 16 kHz audio whatever the decoder heard before, and return the segments of its best path.

    The model's own settings normalise cepstra within the utterance, but its noise tracker goes on from one utterance
    to the next until the stream is started anew.
    """
    if len(samples) < SHORTEST * RATE:
        return []
    faint = np.random.default_rng(0).normal(0, DITHER, len(samples))  # always the same
    pcm = np.clip((samples + faint) * 32767.0, -32768, 32767).astype("<i2").tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # "unnecessary", but it alone resets the noise tracker
        decoder.start_stream()
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    return list(decoder.seg() or ())


def prime(decoder: Any) -> None:
    """Let a new decoder hear a moment of noise: its very first utterance scores unlike all later ones."""
    utterance(decoder, np.random.default_rng(0).normal(0, 0.05, RATE // 2).astype(np.float32))


def level(samples: Samples) -> Samples:
    """Return ``samples`` brought to a fixed level of their active frames, peaks at most 0.99; silence unchanged."""
    power = _frame_power(samples)
    if power.size == 0 or power.max() < 1e-12:
        return samples
    active = power[power > power.max() * 1e-3]  # within 30 dB of the loudest 10 ms
    gain = 10 ** (LEVEL_DBFS / 20) / math.sqrt(float(active.mean()))
    gain = min(gain, 0.99 / float(np.abs(samples).max()))
    return (samples * np.float32(gain)).astype(np.float32)


def _frame_power(samples: Samples) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the mean square of each whole 10 ms."""
    frame = RATE // 100
    whole = samples[: len(samples) // frame * frame].astype(np.float64).reshape(-1, frame)
    return np.asarray(np.mean(whole**2, axis=1))
