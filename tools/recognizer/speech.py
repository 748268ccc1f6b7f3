"""Makes the speech that the recognizer learns from, file by file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tools.recognizer.bank import Writer
from tools.recognizer.codec import DisturbedCodec, unquantized
from tools.recognizer.espeak import espeak
from tools.recognizer.teacher import Speech, Teacher

SOURCES = {"slt": 0.34, "rms": 0.15, "codec-slt": 0.24, "codec-rms": 0.10, "kal16": 0.04, "espeak": 0.13}
LANGUAGES = ("en-us", "en-us", "en-us", "en-gb", "en-gb-x-rp", "en-029")
TIMBRES = ("", "", "+f1", "+f2", "+f4", "+f5", "+m1", "+m3", "+m4", "+m7", "+Andy", "+Annie", "+linda", "+steph")
PITCH_HZ = {"slt": (150.0, 210.0), "rms": (75.0, 115.0)}
SHARE_AS_IT_IS = 0.5  # of the teacher's utterances at its own tempo and pitch
MAX_SECONDS = 29.0
SHORTEST_ROWS = 40  # 0.2 s
DISTURBED = (0.0, 0.0, 0.15, 0.3)  # shares of codes drawn from near ones


class Studio:
    """All the voices of training, drawn by their shares."""

    def __init__(self, work: Path, codec: Path, seed: int) -> None:
        self._teacher = Teacher(work)
        self._espeak = espeak()
        self._codec = DisturbedCodec(codec)
        self.rng = np.random.default_rng(seed)

    def close(self) -> None:
        """End Flite."""
        self._teacher.close()

    def take(self, text: str) -> tuple[str, np.ndarray, Speech] | None:
        """Source, samples and labels of one utterance; None where the text cannot be labelled without doubt."""
        source = str(self.rng.choice(list(SOURCES), p=list(SOURCES.values())))
        made = self._espeak_take(text) if source == "espeak" else self._flite_take(text, source)
        if made is None or not 0.2 < len(made[0]) / 16_000 < MAX_SECONDS:
            return None
        samples, labels = made
        peak = float(np.abs(samples).max())
        return (source, samples / peak * 0.5, labels) if peak > 1e-3 else None

    def _espeak_take(self, text: str) -> tuple[np.ndarray, Speech] | None:
        voice = str(self.rng.choice(LANGUAGES)) + str(self.rng.choice(TIMBRES))
        made = self._espeak.say(text, voice, int(self.rng.integers(120, 200)), int(self.rng.integers(25, 80)))
        if made is None:
            return None
        samples, words, times = made
        return samples, Speech(samples, np.zeros((0, 31), np.float32), words, times, [])

    def _flite_take(self, text: str, source: str) -> tuple[np.ndarray, Speech] | None:
        voice = source.removeprefix("codec-")
        stretch, f0 = 1.0, 0.0
        if self.rng.random() > SHARE_AS_IT_IS:
            stretch = float(self.rng.uniform(0.85, 1.25))
            f0 = float(self.rng.uniform(*PITCH_HZ[voice])) if voice in PITCH_HZ else 0.0
        plain = voice == source
        speech = self._teacher.say(text, voice, audio=plain, stretch=stretch, f0=f0)
        if speech is None:
            return None
        if plain:
            assert speech.samples is not None
            return speech.samples, speech
        rows = speech.parameters
        if len(rows) < SHORTEST_ROWS:
            return None
        if self._codec.knows(voice):
            return self._codec.say(rows, voice, self.rng, float(self.rng.choice(DISTURBED))), speech
        return unquantized(rows), speech


def record(
    texts: Iterator[str], folder: Path, codec: Path, *, hours: float, part: int, hours_a_file: float = 1.0
) -> None:
    """Write bank files of ``hours_a_file`` until ``hours`` are there or the texts end; ``part`` seeds and names."""
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(folder, codec, seed=part)
    number, made, began = 0, 0.0, time.monotonic()
    while made < hours:
        writer = Writer(folder, f"speech-{part:02d}-{number:03d}")
        while writer.frames < hours_a_file * 360_000:
            text = next(texts, None)
            if text is None:
                break
            taken = studio.take(text)
            if taken:
                source, samples, labels = taken
                writer.add(samples, source, labels.words, labels.times, labels.phones)
        made += writer.frames / 360_000
        number += 1
        writer.close()
        rate = made * 3600 / (time.monotonic() - began)
        print(f"part {part}: {made:.2f} h made, {rate:.0f} x real time", flush=True)
        if text is None:
            break
    studio.close()
