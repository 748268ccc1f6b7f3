"""PocketSphinx: the en-us model in its wheel, free recognition, no knowledge of the expected text."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from harness.alignment import TimedWord
from harness.errors import ConfigError, nearest
from harness.scorers.asr import RATE, Transcript
from harness.types import Samples

FRAME_SECONDS = 0.01
LEVEL_DBFS = -20.0  # active level the models were trained near; a fixed one makes the score independent of gain
DITHER = 1e-4  # -80 dBFS; digital silence has no logarithm, and was recognized as words
LONGEST_SEGMENT = 15.0  # s; the lattice grows faster than the audio
EARLIEST_CUT = 7.0  # s
SHORTEST = 0.1  # s; less than this is no word, and the front end cannot take it

# Operating points, chosen by suites/speed/test_recognizers.py.
MODES: dict[str, dict[str, Any]] = {
    # One pass over the lexicon tree, then the lattice's best path; the flat second pass buys nothing for its time.
    "fast": {"fwdflat": False, "topn": 2, "lw": 5.0, "bestpathlw": 7.5, "maxhmmpf": 1500, "maxwpf": 10},
    "accurate": {
        "topn": 2,
        "lw": 5.0,
        "fwdflatlw": 7.0,
        "bestpathlw": 7.5,
        "beam": 1e-54,
        "pbeam": 1e-54,
        "wbeam": 1e-32,
    },
}

_VARIANT = re.compile(r"\(\d+\)$")


class PocketSphinx:
    """Free recognition with the trigram model. Every utterance starts from the same decoder state."""

    languages: frozenset[str] | None = frozenset({"en"})
    device, compute_type = "cpu", "int16"

    def __init__(self, mode: str = "fast") -> None:
        if mode not in MODES:
            raise ConfigError(f"unknown pocketsphinx setting {mode!r}{nearest(mode, MODES)}")
        self.mode = mode
        self.spec = f"pocketsphinx:{mode}"
        self._decoder: Any = None

    def prepare(self, wanted: Iterable[str] = ()) -> None:
        """Nothing to fetch: the model is in the wheel."""

    def setup(self) -> None:
        """Load the models (about 0.5 s)."""
        if self._decoder is None:
            from pocketsphinx import Decoder

            self._decoder = Decoder(loglevel="FATAL", **MODES[self.mode])
            prime(self._decoder)

    def transcribe(self, samples: Samples, language: str = "en") -> Transcript:
        """Recognize 16 kHz audio of any length; time and memory grow in proportion to it."""
        self.setup()
        levelled = level(samples)
        words: list[TimedWord] = []
        for start, end in segments(levelled):
            words.extend(self._segment(levelled[start:end], start / RATE))
        return Transcript(
            text=" ".join(w.word for w in words),
            words=tuple(words),
            engine="pocketsphinx",
            model=f"en-us ({self.mode})",
            avg_logprob=_mean_log(words),
        )

    def _segment(self, samples: Samples, offset: float) -> list[TimedWord]:
        words = []
        for seg in utterance(self._decoder, samples):
            if seg.word.startswith(("<", "[", "++")):
                continue
            start = offset + seg.start_frame * FRAME_SECONDS
            end = offset + (seg.end_frame + 1) * FRAME_SECONDS
            words.append(TimedWord(_VARIANT.sub("", seg.word), start, end, min(1.0, float(seg.prob))))
        return words


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


def _mean_log(words: list[TimedWord]) -> float | None:
    logs = [math.log(max(w.probability, 1e-10)) for w in words if w.probability is not None]
    return sum(logs) / len(logs) if logs else None


def level(samples: Samples) -> Samples:
    """Return ``samples`` brought to a fixed level of their active frames, peaks at most 0.99; silence unchanged."""
    power = _frame_power(samples)
    if power.size == 0 or power.max() < 1e-12:
        return samples
    active = power[power > power.max() * 1e-3]  # within 30 dB of the loudest 10 ms
    gain = 10 ** (LEVEL_DBFS / 20) / math.sqrt(float(active.mean()))
    gain = min(gain, 0.99 / float(np.abs(samples).max()))
    return (samples * np.float32(gain)).astype(np.float32)


def segments(samples: Samples) -> list[tuple[int, int]]:
    """Cut audio at its quietest moments into pieces of at most ``LONGEST_SEGMENT``; sample indices, without gaps."""
    frame = RATE // 100
    power = _frame_power(samples)
    smooth = np.convolve(power, np.ones(20) / 20, mode="same") if power.size else power
    cuts, position = [0], 0
    while len(samples) - position > LONGEST_SEGMENT * RATE:
        low, high = position // frame + int(EARLIEST_CUT * 100), position // frame + int(LONGEST_SEGMENT * 100)
        position = (low + int(np.argmin(smooth[low:high]))) * frame
        cuts.append(position)
    return list(zip(cuts, [*cuts[1:], len(samples)], strict=True))


def _frame_power(samples: Samples) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the mean square of each whole 10 ms."""
    frame = RATE // 100
    whole = samples[: len(samples) // frame * frame].astype(np.float64).reshape(-1, frame)
    return np.asarray(np.mean(whole**2, axis=1))
