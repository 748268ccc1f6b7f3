"""Held-out clips for evaluation: the teacher, the codec, voices never trained on, and faults, each with its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.recognizer.codec import DisturbedCodec
from tools.recognizer.espeak import espeak
from tools.recognizer.teacher import Speech, Teacher

RATE = 16_000
UNSEEN = "awb"
SEED = 20_001


@dataclass(frozen=True, slots=True)
class Clip:
    """Samples at 16 kHz, what is said in them, and when (seconds; empty where it is not known)."""

    samples: np.ndarray
    words: list[str]
    times: list[tuple[float, float]]


def speech(texts: list[str], work: Path, codec: Path) -> dict[str, list[Clip]]:
    """The texts by ``slt``, ``rms``, ``codec-slt``, the unseen ``awb`` and an unseen eSpeak NG voice."""
    quantizer, rng = DisturbedCodec(codec), np.random.default_rng(SEED)
    sets: dict[str, list[Clip]] = {"slt": [], "rms": [], "codec-slt": [], UNSEEN: [], "espeak": []}
    english = espeak()
    with Teacher(work) as teacher:
        for text in texts:
            for voice in ("slt", "rms", UNSEEN):
                said = teacher.say(text, voice)
                if said:
                    assert said.samples is not None
                    sets[voice].append(_clip(said.samples, said))
                    if voice == "slt":
                        coded = quantizer.say(said.parameters, voice, rng)
                        sets["codec-slt"].append(_clip(coded, said))
            other = english.say(text, "en-gb-scotland", 160, 50)
            if other:
                sets["espeak"].append(Clip(_level(other[0]), other[1], other[2]))
    return sets


def without_words(clips: list[Clip]) -> dict[str, list[np.ndarray]]:
    """Sounds in which nothing is said, by kind."""
    rng = np.random.default_rng(SEED)
    lengths = [1, 2, 4, 8, 15]
    return {
        "silence": [np.zeros(RATE * s, np.float32) for s in lengths],
        "dither": [_noise(rng, s, 1e-4) for s in lengths],
        "white noise": [_noise(rng, s, 0.1) for s in lengths],
        "phase-scrambled": [_scrambled(c.samples, rng) for c in clips[:10]],
        "tone": [np.sin(2 * np.pi * f * np.arange(RATE * 3) / RATE).astype(np.float32) * 0.3 for f in (100, 300, 900)],
        "reversed": [c.samples[::-1].copy() for c in clips[:10]],
        "shuffled": [_shuffled(c.samples, rng) for c in clips[:10]],
        "babble": [_babble(clips, i) for i in range(5)],
    }


def loops(clips: list[Clip]) -> Iterator[Clip]:
    """A sentence whose one word is said two to eight times, cut at its known times."""
    for clip, count in zip(clips, (2, 3, 4, 6, 8) * len(clips), strict=False):
        at = len(clip.words) // 2
        start, end = (int(t * RATE) for t in clip.times[at])
        again = [clip.samples[start:end]] * (count - 1)
        words = [*clip.words[:at], *[clip.words[at]] * count, *clip.words[at + 1 :]]
        yield Clip(np.concatenate([clip.samples[:end], *again, clip.samples[end:]]), words, [])


def _level(samples: np.ndarray) -> np.ndarray:
    return np.asarray(samples / max(1e-6, float(np.abs(samples).max())) * 0.5, np.float32)


def _clip(samples: np.ndarray, said: Speech) -> Clip:
    return Clip(_level(samples), said.words, said.times)


def _noise(rng: np.random.Generator, seconds: int, level: float) -> np.ndarray:
    return (rng.standard_normal(RATE * seconds) * level).astype(np.float32)


def _scrambled(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.abs(np.fft.rfft(samples))
    return _level(np.fft.irfft(spectrum * np.exp(2j * np.pi * rng.random(len(spectrum))), len(samples)))


def _shuffled(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = int(0.08 * RATE)
    order = rng.permutation(len(samples) // size)
    return np.concatenate([samples[i * size : (i + 1) * size] for i in order])


def _babble(clips: list[Clip], first: int) -> np.ndarray:
    frames = RATE * 4
    voices = [np.resize(clips[(first * 6 + i) % len(clips)].samples, frames) for i in range(6)]
    return _level(np.sum(voices, axis=0))
