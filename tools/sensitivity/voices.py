"""Healthy speech: voices that programs speak, fast, slow and whispered, and recordings of people.

``VOICES`` and ``REPORTED`` are those that limits are decided on; the latter were reported on before, and what they
showed changed a rule. ``REPORTING`` are looked at only to report how these limits do.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.audio import AudioFile, read_audio
from harness.core.records import Chunk
from harness.corpora import load_corpus

STRETCH = "duration_stretch="
SUFFIXES = (".flac", ".wav", ".ogg")
SHORT = (
    "Good morning.",
    "Yes.",
    "No, thank you.",
    "Not today.",
    "Come in.",
    "Thank you very much, sir.",
    "What is it?",
    "Nobody knows.",
    "Never mind.",
    "Look over there!",
)


@dataclass(frozen=True)
class Voice:
    """One way to speak; ``{text}`` and ``{output}`` are filled in."""

    name: str
    command: tuple[str, ...]

    def again(self, slower: float = 1.05) -> Voice:
        """Return the same voice reading a little differently, as another take: ``slower`` (Flite) or higher (eSpeak
        NG).
        """
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


def _espeak(name: str, *options: str, program: str = "espeak-ng") -> tuple[str, ...]:
    return (program, "-v", name, *options, "-w", "{output}", "{text}")


def _festival(name: str, setting: str = "") -> tuple[str, ...]:
    then = f" ({setting})" if setting else ""
    script = 'printf "%s\\n" "$0" | text2wave -eval "$2" -o "$1"'
    return ("sh", "-c", script, "{text}", "{output}", f"(begin ({name}){then})")


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

REPORTED = (
    Voice("flite kal", _flite("kal")),
    Voice("flite rms slower", _flite("rms", "--setf", "duration_stretch=1.25")),
    Voice("flite awb fast", _flite("awb", "--setf", "duration_stretch=0.8")),
    Voice("flite slt high", _flite("slt", "--setf", "int_f0_target_mean=230")),
    Voice("flite kal16 low", _flite("kal16", "--setf", "int_f0_target_mean=80", "--setf", "duration_stretch=1.15")),
    Voice("festival slt hts", _festival("voice_cmu_us_slt_arctic_hts")),
    Voice("festival ked", _festival("voice_ked_diphone")),
    Voice("festival kal slow", _festival("voice_kal_diphone", "Parameter.set 'Duration_Stretch 1.3")),
    Voice("espeak 1.48 en-us+m4", _espeak("en-us+m4", program="espeak")),
    Voice("espeak 1.48 en-sc+f1 fast", _espeak("en-sc+f1", "-s", "210", program="espeak")),
    Voice("espeak en-gb-x-rp+f5", _espeak("en-gb-x-rp+f5")),
    Voice("espeak en-us+klatt4", _espeak("en-us+klatt4")),
    Voice("espeak en-029+m6 slow", _espeak("en-029+m6", "-s", "130")),
    Voice("espeak en-gb-x-gbclan+f4", _espeak("en-gb-x-gbclan+f4")),
    Voice("espeak en-us-nyc+m8", _espeak("en-us-nyc+m8")),
    Voice("espeak en-us+f1 high", _espeak("en-us+f1", "-p", "80", "-s", "200")),
    Voice("flite kal fast", _flite("kal", "--setf", "duration_stretch=0.85")),
    Voice("flite rms high", _flite("rms", "--setf", "int_f0_target_mean=130")),
    Voice("flite awb low slow", _flite("awb", "--setf", "int_f0_target_mean=100", "--setf", "duration_stretch=1.2")),
    Voice("flite slt low", _flite("slt", "--setf", "int_f0_target_mean=150", "--setf", "duration_stretch=0.9")),
    Voice("festival slt hts slow", _festival("voice_cmu_us_slt_arctic_hts", "Parameter.set 'Duration_Stretch 1.2")),
    Voice("festival kal fast", _festival("voice_kal_diphone", "Parameter.set 'Duration_Stretch 0.8")),
    Voice("espeak en-us+Andy", _espeak("en-us+Andy")),
    Voice("espeak en-gb+Annie", _espeak("en-gb+Annie")),
    Voice("espeak en-us+klatt2", _espeak("en-us+klatt2")),
    Voice("espeak en-gb-scotland+steph slow", _espeak("en-gb-scotland+steph", "-s", "140")),
    Voice("espeak en-029+belinda", _espeak("en-029+belinda")),
    Voice("espeak en-us+croak", _espeak("en-us+croak")),
    Voice("espeak en-gb-x-gbcwmd+Michael fast", _espeak("en-gb-x-gbcwmd+Michael", "-s", "230")),
    Voice("espeak 1.48 en-n+m2", _espeak("en-n+m2", program="espeak")),
    Voice("espeak 1.48 en-wm+f4 slow", _espeak("en-wm+f4", "-s", "130", program="espeak")),
)

REPORTING = (
    Voice("flite rms fast", _flite("rms", "--setf", "duration_stretch=0.8")),
    Voice("flite slt slower", _flite("slt", "--setf", "duration_stretch=1.3")),
    Voice("flite awb high", _flite("awb", "--setf", "int_f0_target_mean=160")),
    Voice("flite kal low", _flite("kal", "--setf", "int_f0_target_mean=90")),
    Voice("flite kal16 fast", _flite("kal16", "--setf", "duration_stretch=0.85")),
    Voice("festival slt hts fast", _festival("voice_cmu_us_slt_arctic_hts", "Parameter.set 'Duration_Stretch 0.85")),
    Voice("festival kal slower", _festival("voice_kal_diphone", "Parameter.set 'Duration_Stretch 1.15")),
    Voice("espeak en-us+Alex", _espeak("en-us+Alex")),
    Voice("espeak en-gb+Andrea", _espeak("en-gb+Andrea")),
    Voice("espeak en-us+Denis", _espeak("en-us+Denis")),
    Voice("espeak en-gb-x-rp+Michael fast", _espeak("en-gb-x-rp+Michael", "-s", "220")),
    Voice("espeak en-us+linda", _espeak("en-us+linda")),
    Voice("espeak en-029+quincy slow", _espeak("en-029+quincy", "-s", "140")),
    Voice("espeak en-gb+m2", _espeak("en-gb+m2")),
    Voice("espeak en-us-nyc+f3", _espeak("en-us-nyc+f3")),
    Voice("espeak en-gb-scotland+victor", _espeak("en-gb-scotland+victor")),
    Voice("espeak en-us+Jacky", _espeak("en-us+Jacky")),
    Voice("espeak 1.48 en-us+m6", _espeak("en-us+m6", program="espeak")),
    Voice("espeak 1.48 en-sc+f2", _espeak("en-sc+f2", program="espeak")),
    Voice("espeak 1.48 en-rp+m5 fast", _espeak("en-rp+m5", "-s", "210", program="espeak")),
)


def spoken_texts(number: int, texts: int, corpus: str = "book") -> list[Chunk]:
    """Return the texts of the voice at index ``number``: ten short ones, the others from ``corpus``."""
    book = load_corpus(corpus).chunks
    short = [Chunk(f"short-{i}", text) for i, text in enumerate(SHORT)]
    return [*short, *(book[(7 * (number + i)) % len(book)] for i in range(max(texts - len(short), 0)))]


def recordings(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield recordings below ``folder``, each with the name of its first sub-folder."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES:
            parts = path.relative_to(folder).parts
            yield parts[0] if len(parts) > 1 else folder.name, path
