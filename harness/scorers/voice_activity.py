"""Where somebody speaks: silero VAD, whose weights ship in faster-whisper's wheel. 16 kHz mono, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.core.records import Samples

RATE = 16_000  # Hz, what the VAD reads
FRAME = 512  # samples a probability
ONSET = 0.5  # speech begins where the probability reaches this
OFFSET = 0.35  # and ends where it falls below this
LONGEST_PAUSE = 2.0  # s; longer ones are not read by the recognizer, which would invent words for them
MARGIN = 0.4  # s kept on both sides of speech
FAINTEST = 1e-4  # peaks below 3 LSB of 16 bits are silence
_LOUD_PERCENT, _LOUD = 99.0, 0.25  # the detector depends on the level, so it gets all speech at about the same

Span = tuple[float, float]


@dataclass(frozen=True)
class Voiced:
    """Where somebody speaks: ``speech`` as it was detected, ``spans`` with margins; ``seconds`` are surely speech.

    A span may begin before the audio and end behind it, so that silence around a clip changes nothing.
    """

    speech: tuple[Span, ...]
    spans: tuple[Span, ...]
    seconds: float


def speech_probabilities(samples: Samples) -> NDArray[np.float32]:
    """Return the probability of speech of each 32 ms, shape (frames,), in [0, 1]; nothing depends on the level."""
    from faster_whisper.vad import get_vad_model

    loud = float(np.percentile(np.abs(samples), _LOUD_PERCENT)) if samples.size else 0.0
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < FAINTEST:
        return np.zeros(-(-samples.size // FRAME), dtype=np.float32)
    levelled = np.clip(samples * (_LOUD / max(loud, peak / 50)), -1, 1).astype(np.float32)
    padded = np.pad(levelled, (0, -samples.size % FRAME))
    return np.asarray(get_vad_model()(padded), dtype=np.float32).reshape(-1)


def voiced(samples: Samples) -> Voiced:
    """Return where somebody speaks; stretches with less than ``LONGEST_PAUSE`` between them are one."""
    probabilities = speech_probabilities(samples)
    spans: list[tuple[int, int]] = []
    for start, end in _raw(probabilities):
        if spans and (start - spans[-1][1]) * FRAME / RATE < LONGEST_PAUSE:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    whole, seconds = samples.size / RATE, float(np.sum(probabilities >= ONSET)) * FRAME / RATE
    speech = tuple((start * FRAME / RATE, min(whole, end * FRAME / RATE)) for start, end in spans)
    return Voiced(speech, tuple((a - MARGIN, b + MARGIN) for a, b in speech), seconds)


def _raw(probabilities: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return the frames [start, end) of each stretch of speech, by two thresholds."""
    spans: list[tuple[int, int]] = []
    start: int | None = None
    for frame, probability in enumerate(probabilities):
        if start is None and probability >= ONSET:
            start = frame
        elif start is not None and probability < OFFSET:
            spans.append((start, frame))
            start = None
    return [*spans, (start, len(probabilities))] if start is not None else spans


def join_spans(samples: Samples, spans: tuple[Span, ...]) -> Samples:
    """Return the spans of the audio, one behind the other; zeros where a span reaches out of it."""
    pieces = []
    for start, end in spans:
        first, last = round(start * RATE), round(end * RATE)
        inside = samples[max(0, first) : last]
        pieces.append(np.pad(inside, (max(0, -first), max(0, last - max(first, samples.size)))))
    return np.concatenate(pieces) if pieces else samples[:0]


def original_time(time: float, spans: tuple[Span, ...]) -> float:
    """Return where in the whole audio a moment of ``cut(samples, spans)`` lies, in seconds from 0."""
    passed = 0.0
    for start, end in spans:
        if time <= passed + end - start:
            return max(0.0, start + time - passed)
        passed += end - start
    return spans[-1][1] if spans else time
