"""Listen to clips with the scorers of a run and keep what they measured, a JSON line a clip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harness.audio import read_audio
from harness.core.records import Attempt, Chunk, Variant
from harness.scorers import SCORERS, observe
from harness.scorers.clip import SharedClip
from tools.rows import Row, append_row, read_rows
from tools.words_bench.copies import Copy

SCORED = ("signal", "intelligibility", "edit_likelihood")
RESULTS = "measurements.jsonl"


@dataclass(frozen=True, slots=True)
class BenchClip:
    """One clip to listen to, and what it should say."""

    id: str
    text: str
    path: Path
    language: str = "en"


def hear_all(copies: Sequence[Copy], folder: Path, asr: str | None) -> None:
    """Measure each copy in ``folder`` that has no line in its results yet."""
    hear_clips((BenchClip(copy.id, copy.text, folder / f"{copy.id}.wav") for copy in copies), folder / RESULTS, asr)


def hear_clips(clips: Iterable[BenchClip], results: Path, asr: str | None) -> None:
    """Append a line to ``results`` for each clip that is there and has none yet."""
    torch.set_num_threads(1)
    finished = {line["id"] for line in read_rows(results)}
    scorers = {name: SCORERS.get(name)(**({} if name == "signal" else {"asr": asr})) for name in SCORED}
    for clip in clips:
        if clip.id in finished or not clip.path.exists():
            continue
        line = _measured(clip, scorers)
        append_row(results, line)


def _measured(clip: BenchClip, scorers: dict[str, Any]) -> dict[str, Any]:
    audio = read_audio(clip.path)
    attempt = Attempt(0, 0, 0, clip.id, "bench", sample_rate=audio.sample_rate, duration=audio.duration)
    chunk, variant = Chunk(clip.id, clip.text, clip.language), Variant("bench", "recorded")
    shared = SharedClip(chunk, attempt, audio.samples, audio.sample_rate, variant)
    line: dict[str, Any] = {"id": clip.id, "seconds": audio.duration, "cpu": {}, "seen": {}}
    for name, scorer in scorers.items():
        began = time.process_time()
        measurement = observe(scorer, shared)
        line["cpu"][name] = round(time.process_time() - began, 3)
        line["seen"][name] = {
            "status": measurement.status.value,
            "reason": measurement.reason,
            "payload": measurement.payload,
        }
    return line


def read_results(folder: Path) -> list[Row]:
    """Return the lines of the copies measured so far."""
    return read_rows(folder / RESULTS)
