"""Speech in other languages, for ``tts-soak sensitivity --other``: how a voice that loses its language goes on."""

from __future__ import annotations

from pathlib import Path

import soundfile

from harness.corpora import load_corpus
from tools.sensitivity.voices import Voice

LANGUAGES = {"de": "de", "fr": "fr-fr", "ru": "ru", "zh-CN": "cmn", "ja": "ja"}  # of the corpus, of eSpeak NG
LEAST = 2.5  # s


def speak(folder: Path) -> list[Path]:
    """Write one file a text of the corpus ``multilingual`` that lasts 2.5 s, spoken by eSpeak NG; returns the paths.

    Raises subprocess.CalledProcessError where eSpeak NG fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for chunk in load_corpus("multilingual").chunks:
        name = LANGUAGES[chunk.language]
        audio = Voice(name, ("espeak-ng", "-v", name, "-w", "{output}", "{text}")).say(chunk.text)
        if audio.duration >= LEAST:
            paths.append(folder / f"{chunk.id}.wav")
            soundfile.write(paths[-1], audio.samples, audio.sample_rate)
    return paths
