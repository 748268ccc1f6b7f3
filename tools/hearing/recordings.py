"""Recordings with their texts, in LJ Speech's layout: ``metadata.csv`` beside the sound files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from harness.audio import read_audio, resample
from harness.core.records import Samples
from harness.scorers.clip import SPEECH_RATE


@dataclass(frozen=True)
class Recording:
    """A text and how it was read: 16 kHz mono."""

    name: str
    text: str
    samples: Samples


def recordings(folder: Path) -> list[Recording]:
    """Return the recordings of a folder, in the order of its ``metadata.csv``. Raises click.ClickException for none."""
    table = folder / "metadata.csv"
    if not table.is_file():
        raise click.ClickException(f"{folder}: has no metadata.csv (name|text|normalised text a line)")
    rows = [line.split("|") for line in table.read_text(encoding="utf-8").splitlines() if "|" in line]
    there = [(row, path) for row in rows for path in [_sound(folder, row[0])] if path is not None]
    if not there:
        raise click.ClickException(f"{table}: none of its {len(rows)} recordings is in the folder (.flac or .wav)")
    return [Recording(row[0], row[-1], read_clip(path)) for row, path in there]


def read_clip(path: Path) -> Samples:
    """Return a sound file at 16 kHz."""
    audio = read_audio(path)
    return resample(audio.samples, audio.sample_rate, SPEECH_RATE)


def _sound(folder: Path, name: str) -> Path | None:
    return next((path for suffix in (".flac", ".wav") if (path := folder / f"{name}{suffix}").is_file()), None)
