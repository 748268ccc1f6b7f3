"""The same clip heard in fresh processes: words and times must be the same, to the last digit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tools.hearing.recordings import Recording, recordings
from tools.hearing.spoken import Ear, share


def heard_line(ear: Ear, clip: Recording) -> str:
    """Return the transcript of a clip with its words and times as one line of JSON."""
    heard = ear.transcribe(clip.samples, "en")
    words = [[word.word, word.start, word.end, word.probability] for word in heard.words]
    return json.dumps({"clip": clip.name, "text": heard.text, "words": words, "logprob": heard.avg_logprob})


def measure_repeatable(asr: str, folder: Path, processes: int) -> bool:
    """Print in how many fresh processes a clip was heard as in the first one; the clips take turns."""
    clips = recordings(folder)
    first: dict[int, str] = {}
    same = 0
    for asked in range(processes + min(processes, len(clips))):
        number = asked % len(clips)
        command = [sys.executable, "-m", "tools.hearing", "once", str(folder), "--asr", asr, "--clip", str(number)]
        line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        expected = first.setdefault(number, line)
        same += line == expected
        if line != expected:
            print(f"{clips[number].name}:\n  {expected}\n  {line}", flush=True)
    same -= len(first)  # the first hearing of each clip is what the others are compared with
    print(f"{asr}: the same words and times in a fresh process: {share(same, processes)}")
    return same == processes
