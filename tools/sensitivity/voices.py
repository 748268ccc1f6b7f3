"""Healthy speech: Flite and eSpeak NG voices, fast, slow and whispered, and recordings of people."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.audio import AudioFile, read_audio

STRETCH = "duration_stretch="
SUFFIXES = (".flac", ".wav", ".ogg")


@dataclass(frozen=True)
class Voice:
    """One way to speak; ``{text}`` and ``{output}`` are filled in."""

    name: str
    command: tuple[str, ...]

    def again(self, slower: float = 1.05) -> Voice:
        """The same voice reading a little differently, as another take: ``slower`` (Flite) or higher (eSpeak NG)."""
        command = list(self.command)
        if command[0] == "espeak-ng":
            return Voice(f"{self.name} again", (*command[:1], "-p", "58", *command[1:]))
        stretch = next((i for i, part in enumerate(command) if part.startswith(STRETCH)), None)
        if stretch is None:
            return Voice(f"{self.name} again", (*command, "--setf", f"{STRETCH}{slower:g}"))
        command[stretch] = f"{STRETCH}{float(command[stretch].removeprefix(STRETCH)) * slower:g}"
        return Voice(f"{self.name} again", tuple(command))

    def say(self, text: str) -> AudioFile:
        """Speak ``text``. Raises subprocess.CalledProcessError where the program fails."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "speech.wav"
            filled = [part.replace("{text}", text).replace("{output}", str(output)) for part in self.command]
            subprocess.run(filled, check=True, capture_output=True)
            return read_audio(output)


def _flite(name: str, *options: str) -> tuple[str, ...]:
    return ("flite", "-voice", name, *options, "-t", "{text}", "-o", "{output}")


def _espeak(name: str, *options: str) -> tuple[str, ...]:
    return ("espeak-ng", "-v", name, *options, "-w", "{output}", "{text}")


VOICES = (
    *(Voice(f"flite {name}", _flite(name)) for name in ("slt", "rms", "awb", "kal16")),
    Voice("flite slt fast", _flite("slt", "--setf", "duration_stretch=0.75")),
    Voice("flite slt slow", _flite("slt", "--setf", "duration_stretch=1.6")),
    Voice("flite rms fast", _flite("rms", "--setf", "duration_stretch=0.75")),
    Voice("flite awb slow", _flite("awb", "--setf", "duration_stretch=1.4")),
    *(Voice(f"espeak {name}", _espeak(name)) for name in ("en-us", "en-gb", "en-gb-scotland", "en-us+f3", "en-gb+m7")),
    Voice("espeak en-us fast", _espeak("en-us", "-s", "280")),
    Voice("espeak en-us+f2 fast", _espeak("en-us+f2", "-s", "240")),
    Voice("espeak en-us slow", _espeak("en-us", "-s", "100")),
    Voice("espeak en-gb+m3 slow", _espeak("en-gb+m3", "-s", "90")),
    Voice("espeak en-us whispered", _espeak("en-us+whisper")),
    Voice("espeak en-gb female whispered", _espeak("en-gb+whisperf")),
)


def recordings(folder: Path) -> Iterator[tuple[str, Path]]:
    """Recordings below ``folder``, each with the name of its first sub-folder."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES:
            parts = path.relative_to(folder).parts
            yield parts[0] if len(parts) > 1 else folder.name, path
