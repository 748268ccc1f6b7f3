"""200 clips in which nobody says a word: silence, noise, hum, music and fragments of speech. 16 kHz, seeded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.records import Samples
from harness.scorers.clip import SPEECH_RATE
from tools.hearing.recordings import Recording
from tools.hearing.spoken import Ear, share

COUNTS = {"silence": 30, "noise": 50, "hum": 30, "music": 50, "fragment": 40}
_SCALE = (0, 2, 4, 5, 7, 9, 11, 12)  # semitones of a major scale


@dataclass(frozen=True)
class WordlessClip:
    """A clip without a word; ``kind`` is a key of ``COUNTS``."""

    name: str
    kind: str
    samples: Samples


def wordless_clips(speech: Sequence[Samples]) -> Iterator[WordlessClip]:
    """Yield the clips; the fragments are cut out of ``speech`` (16 kHz), none longer than 0.29 s."""
    makers = {"silence": _silence, "noise": _noise, "hum": _hum, "music": _music}
    for place, (kind, count) in enumerate(COUNTS.items()):
        for index in range(count):
            rng = np.random.default_rng([20, place, index])
            samples = _fragment(rng, speech[index % len(speech)]) if kind == "fragment" else makers[kind](rng)
            yield WordlessClip(f"{kind}-{index:02d}", kind, np.clip(samples, -1, 1).astype(np.float32))


def measure_wordless(ear: Ear, clips: Sequence[Recording]) -> bool:
    """Print how many of the clips give words, by kind; the fragments are cut out of ``clips``."""
    wrong: Counter[str] = Counter()
    for clip in wordless_clips([clip.samples for clip in clips]):
        heard = ear.transcribe(clip.samples, "en")
        if heard.text or heard.looped:
            wrong[clip.kind] += 1
            print(f"{clip.name}: {heard.text[:100]!r}", flush=True)
    for kind, count in COUNTS.items():
        print(f"  {kind}: words in {share(wrong[kind], count)}")
    total = sum(COUNTS.values())
    quiet = total - wrong.total()
    print(f"{ear.spec}: no word in {share(quiet, total)} clips without a word")
    return quiet >= 0.95 * total


def _silence(rng: np.random.Generator) -> Samples:
    size = int(rng.uniform(0.2, 35) * SPEECH_RATE)
    level = rng.choice([0.0, 1e-5, 1e-4, 5e-4])
    return (level * rng.normal(size=size)).astype(np.float32)


def _noise(rng: np.random.Generator) -> Samples:
    """Return coloured noise, steady or swelling, from -50 to -10 dBFS."""
    size = int(rng.uniform(1, 20) * SPEECH_RATE)
    spectrum = np.fft.rfft(rng.normal(size=size))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** rng.choice([0.0, 0.5, 1.0])
    noise = np.fft.irfft(spectrum, size)
    if rng.random() < 0.4:
        noise *= 0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.1, 4) * np.arange(size) / SPEECH_RATE)
    return _levelled(noise, rng.uniform(-50, -10))


def _hum(rng: np.random.Generator) -> Samples:
    """Return mains hum or a fan: a low tone with harmonics, with a little noise."""
    time = np.arange(int(rng.uniform(1, 15) * SPEECH_RATE)) / SPEECH_RATE
    base = rng.choice([50.0, 60.0, 100.0, 120.0, rng.uniform(80, 400)])
    tones = sum(rng.uniform(0, 1) / n * np.sin(2 * np.pi * n * base * time + rng.uniform(0, 6)) for n in range(1, 9))
    return _levelled(tones + 0.02 * rng.normal(size=time.size), rng.uniform(-40, -8))


def _music(rng: np.random.Generator) -> Samples:
    """Return chords, a melody or both, with decaying partials and now and then a drum."""
    seconds, beat = rng.uniform(2, 16), rng.uniform(0.2, 0.7)
    sound = np.zeros(int((seconds + 2) * SPEECH_RATE))
    key = rng.integers(48, 66)
    style = rng.choice(["chords", "melody", "both"])
    for number, start in enumerate(np.arange(0, seconds, beat)):
        notes: list[float] = []
        if style != "melody" and number % 4 == 0:
            root = int(rng.integers(0, 6))
            notes += [key + _SCALE[(root + step) % 7] for step in (0, 2, 4)]
        if style != "chords":
            notes.append(key + 12 + rng.choice(_SCALE))
        for note in notes:
            _add(sound, start, _tone(rng, 440 * 2 ** ((note - 69) / 12), beat * (4 if len(notes) > 2 else 1.2)))
        if style == "both" and number % 2:
            _add(sound, start, 0.5 * rng.normal(size=SPEECH_RATE // 8) * np.exp(-np.arange(SPEECH_RATE // 8) / 300))
    return _levelled(sound, rng.uniform(-30, -10))


def _tone(rng: np.random.Generator, pitch: float, seconds: float) -> Samples:
    time = np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE
    wave = sum(rng.uniform(0.3, 1) / n * np.sin(2 * np.pi * n * pitch * time) for n in range(1, 6))
    return (wave * np.minimum(1, time / 0.01) * np.exp(-time * rng.uniform(1, 5))).astype(np.float32)


def _fragment(rng: np.random.Generator, speech: Samples) -> Samples:
    size = int(rng.uniform(0.03, 0.29) * SPEECH_RATE)
    start = int(rng.integers(0, len(speech) - size))
    return speech[start : start + size]


def _add(sound: Samples, start: float, piece: Samples) -> None:
    at = int(start * SPEECH_RATE)
    sound[at : at + len(piece)] += piece[: len(sound) - at]


def _levelled(sound: Samples, dbfs: float) -> Samples:
    return (sound * 10 ** (dbfs / 20) / max(1e-9, float(np.sqrt(np.mean(sound**2))))).astype(np.float32)
