"""Recordings with their texts, in LJ Speech's layout: ``metadata.csv`` beside the sound files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from harness.audio import read_audio, resample
from harness.core.errors import CorpusError
from harness.core.manifests import read_recordings
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
    try:
        rows = [row for row in read_recordings(folder / "metadata.csv", "ljspeech") if row.audio.is_file()]
    except CorpusError as error:
        raise click.ClickException(str(error)) from None
    if not rows:
        raise click.ClickException(f"{folder}: none of the recordings that metadata.csv lists is in it")
    return [Recording(row.id, row.text or "", read_clip(row.audio)) for row in rows]


def read_clip(path: Path) -> Samples:
    """Return a sound file at 16 kHz."""
    audio = read_audio(path)
    return resample(audio.samples, audio.sample_rate, SPEECH_RATE)
