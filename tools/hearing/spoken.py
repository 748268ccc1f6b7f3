"""What a recognizer hears in recordings: word errors, silence around them, recordings said over and over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from harness.scorers.asr import Recognizer
from harness.scorers.clip import SPEECH_RATE
from harness.stats import clopper_pearson
from harness.text import default_normaliser, normaliser
from harness.text.alignment import align_words
from tools.hearing.recordings import Recording

Ear: TypeAlias = Recognizer
WER_MOST = 0.04
PADDINGS = ((0.0, 3.0), (2.0, 0.0), (0.0, 6.0), (4.0, 4.0))  # s in front and behind
TIMES_OVER = (4, 8)


def share(count: int, total: int) -> str:
    """Return a count of a total with its share and exact 95% interval."""
    low, high = clopper_pearson(count, total)
    return f"{count} of {total} ({count / max(1, total):.1%}; {low:.1%} to {high:.1%})"


def measure_words(ear: Ear, clips: Sequence[Recording]) -> bool:
    """Print WER with its counts and the CPU seconds a clip."""
    normalise = normaliser(default_normaliser("en"))
    ear.transcribe(clips[0].samples, "en")  # loading is not hearing
    errors = words = 0
    began = time.process_time()
    for clip in clips:
        heard = ear.transcribe(clip.samples, "en")
        counts = align_words(normalise(clip.text), normalise(heard.text))[0]
        errors, words = errors + counts.errors, words + counts.units
        if counts.errors:
            print(f"{clip.name}: {counts.errors} of {counts.units}: {heard.text}", flush=True)
    cpu, audio = time.process_time() - began, sum(len(clip.samples) for clip in clips) / SPEECH_RATE
    print(f"{ear.spec}: WER {share(errors, words)}, {len(clips)} clips; {cpu / len(clips):.2f} s of CPU a clip of "
          f"{audio / len(clips):.1f} s")  # fmt: skip
    return errors <= WER_MOST * words


def measure_padding(ear: Ear, clips: Sequence[Recording]) -> bool:
    """Print how many padded recordings give another transcript than the bare one, and how many by more than a word."""
    normalise = normaliser(default_normaliser("en"))
    changed = worse = total = 0
    for clip in clips:
        bare = normalise(ear.transcribe(clip.samples, "en").text)
        for before, after in PADDINGS:
            padded = np.concatenate([_silence(before), clip.samples, _silence(after)])
            text = normalise(ear.transcribe(padded, "en").text)
            errors = align_words(bare, text)[0].errors
            changed, worse, total = changed + (errors > 0), worse + (errors > 1), total + 1
            if errors:
                print(f"{clip.name}, {before:.0f} s before, {after:.0f} s behind: {errors} words: {text}", flush=True)
    print(f"{ear.spec}: other words in silence: {share(changed, total)}; by more than one: {share(worse, total)}")
    return worse == 0


def measure_repeats(ear: Ear, clips: Sequence[Recording]) -> bool:
    """Print how many recordings said several times over are called a loop of the recognizer."""
    looped = total = 0
    for clip in clips:
        piece = clip.samples[: int(2.5 * SPEECH_RATE)]
        for times in TIMES_OVER:
            heard = ear.transcribe(np.tile(np.concatenate([piece, _silence(0.15)]), times), "en")
            looped, total = looped + heard.looped, total + 1
            if heard.looped:
                print(f"{clip.name}, {times} times: {heard.text[:100]}", flush=True)
    print(f"{ear.spec}: speech said over and over called a loop of the recognizer: {share(looped, total)}")
    return looped <= 0.05 * total


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * SPEECH_RATE), np.float32)
