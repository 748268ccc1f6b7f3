"""How any Whisper is asked what it hears: only where somebody speaks, and again where its transcript loops.

Whisper invents words for silence, noise and music, and can repeat a phrase until its token limit. Neither may be told
as a property of the speech.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from harness.core.records import Json, Samples
from harness.scorers.voice_activity import FAINTEST, Voiced, join_spans, original_time, voiced
from harness.text.alignment import TimedWord

RATE = 16_000  # Hz
SHORTEST = 0.3  # s; a shorter clip is a fragment of a word
LEAST_FITTED = 2.0  # s; in a window of 4 s a single word is heard over and over
LOOP_RATIO = 2.4  # bytes of text a byte of its zlib stream; Whisper's own limit (Radford et al. 2022, section 4.5)
WORDS_IN_A_SECOND = 16  # more of them begin within one second than anybody can say
NO_SPEECH, UNSURE = 0.6, -1.0  # Whisper's own limits: probability of no speech, mean log probability (nats a token)
LITTLE_SPEECH = 0.18  # s; a hum has up to 0.16, a spoken "Ah." 0.19: with less, one doubt is enough
EDGE = 0.1  # s around speech, as precisely as the detector knows its beginning and end
AGREEMENT = 0.2  # two hearings of a real repetition differ by at most this share of their words
TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0)  # Whisper's own


@dataclass(frozen=True)
class Try:
    """How to decode: in a window that fits the audio or in the full 30 s, and at which temperature."""

    full_window: bool = False
    temperature: float = 0.0


@dataclass(frozen=True)
class HeardWindow:
    """What one window of at most 30 s gave. ``avg_logprob`` in nats a token; ``cut_off``: at its token limit."""

    text: str
    words: tuple[TimedWord, ...]
    tokens: int
    avg_logprob: float | None
    no_speech_prob: float | None
    cut_off: bool = False

    def to_json(self) -> Json:
        """Return the window's figures as plain JSON."""
        return {
            "tokens": self.tokens,
            "avg_logprob": self.avg_logprob,
            "no_speech_prob": self.no_speech_prob,
            "compression_ratio": round(self.compression_ratio, 3),
        }

    @property
    def compression_ratio(self) -> float:
        """Return bytes of the text for each byte of its zlib stream; a loop compresses well."""
        data = self.text.strip().encode()
        return len(data) / len(zlib.compress(data)) if data else 0.0

    @property
    def repeats(self) -> bool:
        """Return whether the text is one phrase over and over, in the audio or only in the transcript."""
        return self.compression_ratio > LOOP_RATIO

    @property
    def runs_on(self) -> bool:
        """Return whether there are more words than the audio has time for."""
        starts = sorted(word.start for word in self.words)
        crowded = any(b - a < 1.0 for a, b in zip(starts, starts[WORDS_IN_A_SECOND:], strict=False))
        return self.cut_off or crowded


class Decoder(Protocol):
    """An engine that decodes 16 kHz audio of any length, window by window."""

    def decode(self, samples: Samples, language: str, how: Try) -> list[HeardWindow]: ...


@dataclass(frozen=True)
class Hearing:
    """What was heard in a clip: its windows in order, times in seconds of the whole clip.

    ``looped``: the transcript repeats itself however often it is asked for, so its words are none of the speech.
    """

    windows: tuple[HeardWindow, ...]
    speech_seconds: float
    tries: int = 1
    looped: bool = False


def transcribe_guarded(decoder: Decoder, samples: Samples, language: str) -> Hearing:
    """Decode where somebody speaks, guarded against loops; an empty hearing where nobody does.

    Digital silence around a clip is taken off before anything looks at it, so it cannot cost a word.
    """
    part = spoken_part(samples)
    if not part.speech.spans:
        return Hearing((), part.speech.seconds)
    windows, tries, looped = guarded(decoder, part.audio, language)
    kept = [window for window in windows if not _invented(window, part.speech.seconds)]
    return Hearing(tuple(_timed(window, part) for window in kept), part.speech.seconds, tries, looped)


@dataclass(frozen=True)
class SpokenPart:
    """What a recognizer is given of a clip: ``audio``, its stretches of speech one behind the other, 16 kHz.

    ``speech`` has times within ``sound_seconds`` of sound; before them are ``offset`` seconds of digital silence.
    """

    audio: Samples
    speech: Voiced
    offset: float
    sound_seconds: float

    def clip_time(self, time: float) -> float:
        """Return where in the clip a moment of ``audio`` lies; both in seconds."""
        return self.offset + min(self.sound_seconds, original_time(time, self.speech.spans))


def spoken_part(samples: Samples) -> SpokenPart:
    """Return the part of 16 kHz audio in which somebody speaks; an empty one for a mere fragment of a word."""
    sound = np.flatnonzero(np.abs(samples) > FAINTEST)
    offset, end = (int(sound[0]), int(sound[-1]) + 1) if sound.size else (0, 0)
    speech = voiced(samples[offset:end]) if end - offset >= SHORTEST * RATE else Voiced((), (), 0.0)
    audio = np.ascontiguousarray(join_spans(samples[offset:end], speech.spans), dtype=np.float32)
    return SpokenPart(audio, speech, offset / RATE, (end - offset) / RATE)


def guarded(decoder: Decoder, audio: Samples, language: str) -> tuple[list[HeardWindow], int, bool]:
    """Return the first transcript that does not loop, the tries it took, and whether all of them looped.

    Speech that repeats itself compresses like a loop of the recognizer. It has time for its words, though, and another
    try hears about as many of them.
    """
    before: list[list[HeardWindow]] = []
    fitting = [Try()] if len(audio) >= LEAST_FITTED * RATE else []
    plans = [*fitting, Try(full_window=True), *(Try(True, temperature) for temperature in TEMPERATURES)]
    for plan in plans:
        windows = decoder.decode(audio, language, plan)
        crowded = any(window.runs_on for window in windows)
        if not crowded and not any(window.repeats for window in windows):
            return windows, len(before) + 1, False
        if not crowded:
            if any(_agree(windows, other) for other in before):
                return windows, len(before) + 1, False
            before.append(windows)
        else:
            before.append([])
    return next((windows for windows in before if windows), []), len(plans), True


def _agree(one: Sequence[HeardWindow], other: Sequence[HeardWindow]) -> bool:
    counts = sorted(sum(len(window.words) for window in windows) for windows in (one, other))
    return counts[0] > 0 and counts[1] - counts[0] <= AGREEMENT * counts[1]


def _invented(window: HeardWindow, speech_seconds: float) -> bool:
    """Whether the window has no word, or the model itself doubts that there is speech in it."""
    if not any(character.isalnum() for character in window.text):
        return True
    doubted = [
        window.avg_logprob is None or window.avg_logprob < UNSURE,
        window.no_speech_prob is not None and window.no_speech_prob > NO_SPEECH,
    ]
    return all(doubted) or (any(doubted) and speech_seconds < LITTLE_SPEECH)


def _timed(window: HeardWindow, part: SpokenPart) -> HeardWindow:
    """Return the window with its times in the clip; a word does not begin in the silence before its speech."""
    words = []
    for word in window.words:
        start, end = part.clip_time(word.start), part.clip_time(word.end)
        for first, last in ((a + part.offset, b + part.offset) for a, b in part.speech.speech):
            if start < first < end:
                start = max(start, first - EDGE)
            if start < last < end:
                end = min(end, last + EDGE)
        words.append(replace(word, start=start, end=end))
    return replace(window, words=tuple(words))
