"""Clips of an engine in a folder: ``ID.wav`` and ``metadata.csv`` (``id|text``), as twins of one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.audio import read_audio
from harness.core.records import Attempt, Chunk, Variant
from harness.experiments.sensitivity import Trials, Twin

LIST = "metadata.csv"


def listed(folder: Path) -> list[tuple[str, str]]:
    """Return (id, text) of every clip that is there, in order."""
    rows = [line.split("|")[:2] for line in (folder / LIST).read_text(encoding="utf-8").splitlines() if "|" in line]
    return [(name, text) for name, text in rows if (folder / f"{name}.wav").is_file()]


def clips(folder: Path, language: str, most: int | None = None) -> Iterator[Twin]:
    """Yield the clips of a folder as one run of its engine, without observations."""
    variant = Variant(folder.name, "recorded", language=language)
    before: Twin | None = None
    for place, (name, text) in enumerate(listed(folder)[:most]):
        audio = read_audio(folder / f"{name}.wav")
        attempt = Attempt(
            0, 0, place, name, folder.name, sample_rate=audio.sample_rate, duration=audio.duration, id=place + 1
        )
        chunk = Chunk(name, text, language, position=place)
        twin = Twin(chunk, attempt, audio.samples, audio.sample_rate, {}, variant, folder.name, previous=before)
        yield twin
        before = replace(twin, previous=None)


def scored(twins: Iterator[Twin], trials: Trials, scorers: frozenset[str]) -> Iterator[Twin]:
    """Yield the twins with what the scorers see in them."""
    for twin in twins:
        yield replace(twin, observations=trials.score(twin, scorers))
