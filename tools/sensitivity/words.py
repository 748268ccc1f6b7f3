"""Times of words by Whisper's alignment against the teacher's phone ends: Flite knows when it said what."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from harness import stats
from harness.corpora import load_corpus
from harness.detectors.base import CannotInject
from harness.experiments.injection.words import aligned_words
from tools.sensitivity.teacher import RATE, Teacher

NEAR = 0.15  # s
VOICES = ("slt", "rms", "awb", "kal16")


def run(texts: int, seed: int) -> dict[str, Any]:
    """Return the share of word ends within 150 ms of the teacher's last phone end of the word, by voice, with exact
    intervals.
    """
    chunks = load_corpus("book").chunks
    errors: dict[str, list[float]] = {voice: [] for voice in VOICES}
    expected = dict.fromkeys(VOICES, 0)
    began = time.process_time()
    with Teacher() as teacher:
        for number in range(texts):
            voice = VOICES[number % len(VOICES)]
            chunk = chunks[(seed + 13 * number) % len(chunks)]
            said = teacher.say(chunk.text, voice)
            if said is None or said.samples is None:
                continue
            expected[voice] += len(said.words)
            try:
                words = aligned_words(said.samples, RATE, " ".join(said.words))
            except CannotInject:
                continue
            ends = ends_by_phones(said.phones, said.times)
            errors[voice] += [end - ends[index] for index, (_word, _start, end) in enumerate(words)]
    result = {voice: _figures(errors[voice], expected[voice]) for voice in VOICES}
    result["all"] = _figures([e for one in errors.values() for e in one], sum(expected.values()))
    cpu = round(time.process_time() - began, 1)
    return {"date": time.strftime("%Y-%m-%d", time.gmtime()), "seed": seed, "rate": RATE, "voices": result, "cpu": cpu}


def ends_by_phones(phones: list[tuple[str, float]], times: list[tuple[float, float]]) -> list[float]:
    """Return the end of the phone that closes each word: the one nearest to the word's own end."""
    ends = np.array([end for name, end in phones if name != "pau"])
    return [float(ends[np.abs(ends - end).argmin()]) for _start, end in times]


def _figures(errors: list[float], expected: int) -> dict[str, Any]:
    if not errors:
        return {"words": expected, "aligned": 0}
    apart = np.abs(errors)
    near = int((apart <= NEAR).sum())
    low, high = stats.clopper_pearson(near, len(errors), 0.95)
    return {
        "words": expected,
        "aligned": len(errors),
        "near": near,
        "share": near / len(errors),
        "low": low,
        "high": high,
        "median_seconds": float(np.median(apart)),
        "p90_seconds": float(np.quantile(apart, 0.9)),
    }
