"""Listen to the copies with the scorers of a run and keep what they measured, a JSON line a clip."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from harness.audio import read_audio
from harness.core.records import Attempt, Chunk, Variant
from harness.scorers import SCORERS, observe
from harness.scorers.clip import SharedClip
from tools.words_bench.copies import Copy

SCORED = ("signal", "intelligibility", "edit_likelihood")
RESULTS = "measurements.jsonl"


def hear_all(copies: Sequence[Copy], folder: Path, asr: str | None) -> None:
    """Measure each clip of ``folder`` that has no line in its results yet."""
    torch.set_num_threads(1)
    results = folder / RESULTS
    finished = {line["id"] for line in read_results(folder)}
    scorers = {name: SCORERS.get(name)(**({} if name == "signal" else {"asr": asr})) for name in SCORED}
    variant = Variant("bench", "recorded")
    for copy in copies:
        path = folder / f"{copy.id}.wav"
        if copy.id in finished or not path.exists():
            continue
        audio = read_audio(path)
        chunk = Chunk(copy.id, copy.text)
        attempt = Attempt(0, 0, 0, copy.id, "bench", sample_rate=audio.sample_rate, duration=audio.duration)
        clip = SharedClip(chunk, attempt, audio.samples, audio.sample_rate, variant)
        line: dict[str, Any] = {"id": copy.id, "seconds": audio.duration, "cpu": {}, "seen": {}}
        for name, scorer in scorers.items():
            began = time.process_time()
            seen = observe(scorer, clip)
            line["cpu"][name] = round(time.process_time() - began, 3)
            line["seen"][name] = {"status": seen.status.value, "reason": seen.reason, "payload": seen.payload}
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Return the lines measured so far; a last line that was cut off by a kill is left out."""
    path = folder / RESULTS
    if not path.exists():
        return []
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines
