"""A voice that is stuck: a piece of real speech over and over for half a minute, on which recognizers loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.core.records import Samples
from harness.scorers.clip import SPEECH_RATE
from tools.hearing.recordings import Recording
from tools.hearing.spoken import Ear, share

PIECES = (0.15, 0.3, 0.6)  # s of a recording, from its loudest place
WHOLE = 28.0  # s


def stuck_clips(clips: Sequence[Recording]) -> Iterator[tuple[str, Samples]]:
    """Yield name and 16 kHz audio of each recording stuck on a piece of each length."""
    for clip in clips:
        for seconds in PIECES:
            piece = _loudest(clip.samples, round(seconds * SPEECH_RATE))
            yield f"{clip.name}, {seconds} s", np.resize(piece, round(WHOLE * SPEECH_RATE)).astype(np.float32)


def measure_stuck(ear: Ear, clips: Sequence[Recording]) -> bool:
    """Print on how many clips the recognizer loops at every try, and on how many its words are believed."""
    looped = worded = total = 0
    for name, samples in stuck_clips(clips):
        hearing = ear.transcribe(samples, "en")
        total += 1
        looped, worded = looped + hearing.looped, worded + bool(not hearing.looped and hearing.text.strip())
        print(f"{name}: {'looped' if hearing.looped else 'believed'}: {hearing.text[:80]}", flush=True)
    print(f"{ear.spec}: stuck on a piece of speech: not judged {share(looped, total)}; words believed {worded}")
    return looped > 0


def _loudest(samples: Samples, width: int) -> Samples:
    power = np.convolve(np.square(samples, dtype=np.float64), np.ones(width), "valid")
    first = int(np.argmax(power))
    return samples[first : first + width]
