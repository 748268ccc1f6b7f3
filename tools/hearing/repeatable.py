"""The same clips heard in fresh processes, each time in another order: words and times must be the very same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.hearing.recordings import Recording
from tools.hearing.spoken import Ear, share


def heard_lines(ear: Ear, clips: Sequence[Recording], first: int) -> Iterator[str]:
    """Yield each clip's transcript with words and times as a line of JSON, beginning with clip number ``first``."""
    for number in range(len(clips)):
        clip = clips[(first + number) % len(clips)]
        heard = ear.transcribe(clip.samples, "en")
        words = [[word.word, word.start, word.end, word.probability] for word in heard.words]
        yield json.dumps({"clip": clip.name, "text": heard.text, "words": words, "logprob": heard.avg_logprob})


def measure_repeatable(asr: str, folder: Path, hearings: int) -> bool:
    """Print how many hearings in fresh processes are those of the first process."""
    expected = _process(asr, folder, 0)
    same = total = 0
    while total < hearings:
        for name, line in _process(asr, folder, 1 + total // len(expected)).items():
            same, total = same + (line == expected[name]), total + 1
            if line != expected[name]:
                print(f"{expected[name]}\n{line}", flush=True)
    print(f"{asr}: the same words and times in a fresh process: {share(same, total)}")
    return same == total


def _process(asr: str, folder: Path, first: int) -> dict[str, str]:
    command = [sys.executable, "-m", "tools.hearing", "once", str(folder), "--asr", asr, "--first", str(first)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {json.loads(line)["clip"]: line for line in lines}
