"""Healthy voices: listen to their clips, and count how many are accused by their words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.sensitivity.clips import listed
from tools.words_bench.first_run import voice_table
from tools.words_bench.hearing import BenchClip, hear_clips


def hear_voices(engines: Sequence[Path], folder: Path, asr: str | None, most: int | None) -> str:
    """Listen to the first ``most`` clips of each engine's folder (a line each in ``folder``), and return the table."""
    folder.mkdir(parents=True, exist_ok=True)
    voices = {}
    for engine in engines:
        clips = [BenchClip(name, text, engine / f"{name}.wav") for name, text in listed(engine)[:most]]
        hear_clips(clips, folder / f"{engine.name}.jsonl", asr)
        voices[engine.name] = clips
    return voice_table(voices, folder)
