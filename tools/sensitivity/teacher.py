"""Flite as a teacher, through ``teacher.c``: speech with the words it really says, their times and its phones."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE = 16_000
VOICES = ["slt", "rms", "awb", "kal16"]
LIBRARIES = [*(f"-lflite_cmu_us_{v}" for v in VOICES), "-lflite_usenglish", "-lflite_cmulex", "-lflite", "-ldl", "-lm"]


@dataclass(frozen=True, slots=True)
class Speech:
    """One utterance: samples at 16 kHz (float32, or None), words with times in seconds, phones with their ends."""

    samples: np.ndarray | None
    parameters: np.ndarray  # frames of 5 ms x (f0, 25 cepstra, 5 band strengths); empty for a diphone voice
    words: list[str]
    times: list[tuple[float, float]]
    phones: list[tuple[str, float]]


class Teacher:
    """A running Flite. Not safe for threads; close it, or use it as a context manager."""

    def __init__(self, work: Path | None = None) -> None:
        program = compiled(work or Path(tempfile.gettempdir()))
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Teacher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def say(
        self, text: str, voice: str = "slt", *, audio: bool = True, stretch: float = 1.0, f0: float = 0.0
    ) -> Speech | None:
        """Speak ``text``; None where what was said cannot be written in lower-case letters without doubt.

        Raises RuntimeError when Flite ends (it does so on a text it cannot speak).
        """
        assert self._process.stdin and self._process.stdout
        line = re.sub(r"\s+", " ", text).strip()
        self._process.stdin.write(f"{voice}\t{int(audio)}\t{stretch:.3f}\t{f0:.1f}\t{line}\n".encode())
        self._process.stdin.flush()
        out = self._process.stdout
        header = out.readline().split()
        if len(header) != 6:
            raise RuntimeError(f"Flite ended on the text {line!r}")
        samples, _, frames, channels, _, _ = map(int, header)
        phones = [_named_end(item) for item in out.readline().decode().split()]
        spoken = [item.rsplit(":", 2) for item in out.readline().decode().split()]
        pcm = np.frombuffer(out.read(2 * samples), np.int16).astype(np.float32) / 32768
        values = np.frombuffer(out.read(4 * frames * channels), np.float32).reshape(frames, channels)
        written = spelled([(w, float(a), float(b)) for w, a, b in spoken], line)
        if not written:
            return None
        words = [w for w, _, _ in written]
        return Speech(pcm if audio else None, values, words, [(a, b) for _, a, b in written], phones)


def compiled(work: Path) -> Path:
    """Return the teacher program, compiled once under ``work``.

    Raises subprocess.CalledProcessError when gcc or flite1-dev is missing.
    """
    source = Path(__file__).with_name("teacher.c")
    program = work / "flite-teacher"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        work.mkdir(parents=True, exist_ok=True)
        command = ["gcc", "-O2", str(source), "-I/usr/include/flite", "-o", str(program), "-rdynamic", *LIBRARIES]
        subprocess.run(command, check=True)
    return program


def spelled(spoken: list[tuple[str, float, float]], text: str) -> list[tuple[str, float, float]]:
    """Return Flite's words as they are written: ``john 's`` joined, ``dont`` with its apostrophe; empty when in
    doubt.
    """
    written = re.findall(r"[a-z']+", text.lower())
    contracted = {w.replace("'", ""): w.strip("'") for w in written if "'" in w.strip("'")}
    if any(w in contracted for w in written):
        return []
    joined: list[tuple[str, float, float]] = []
    for word, start, end in spoken:
        if word.startswith("'") and joined:
            before, began, _ = joined.pop()
            joined.append((before + word, began, end))
        else:
            joined.append((contracted.get(word, word), start, end))
    return joined if all(re.fullmatch(r"[a-z]+('[a-z]+)*'?", w) for w, _, _ in joined) else []


def _named_end(item: str) -> tuple[str, float]:
    name, end = item.rsplit(":", 1)
    return name.rstrip("01"), float(end)
