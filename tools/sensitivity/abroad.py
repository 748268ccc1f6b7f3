"""Speech in other languages: voices for first runs, and how a voice that loses its language goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import soundfile

from harness.core.records import Chunk
from harness.corpora import load_corpus, only_language
from tools.sensitivity.clips import LIST
from tools.sensitivity.voices import Voice

# Of the corpus, of eSpeak NG. Its voice "cmn" reads the syllables that it makes of a text as English words, and "ja"
# says "Chinese letter", in English, for most characters.
VOICES_ABROAD = {"de": "de", "fr": "fr-fr", "ru": "ru", "zh-CN": "cmn-latn-pinyin"}
MORE = Path(__file__).with_name("abroad.jsonl")
LEAST = 2.5  # s


def texts_in(language: str) -> list[Chunk]:
    """Return the chunks of ``multilingual`` in a language and about 30 more: a first run of
    40 or more.
    """
    rows = (json.loads(line) for line in MORE.read_text(encoding="utf-8").splitlines())
    more = [Chunk(row["id"], row["text"], language) for row in rows if row["language"] == language]
    return [*only_language(load_corpus("multilingual"), language).chunks, *more]


def write_clips(voice: Voice, chunks: Sequence[Chunk], folder: Path) -> None:
    """Write ``folder/ID.wav`` of each chunk and their list; what is there already is not spoken again.

    Raises subprocess.CalledProcessError where the program fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for chunk in chunks:
        path = folder / f"{chunk.id}.wav"
        if not path.exists():
            audio = voice.say(chunk.text)
            soundfile.write(path, audio.samples, audio.sample_rate)
    (folder / LIST).write_text("".join(f"{chunk.id}|{chunk.text}\n" for chunk in chunks), encoding="utf-8")


def speak(folder: Path) -> list[Path]:
    """Write one file a text of the corpus ``multilingual`` that eSpeak NG speaks in its language for at least 2.5 s.

    Returns the paths.

    Raises subprocess.CalledProcessError where eSpeak NG fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for chunk in load_corpus("multilingual").chunks:
        if chunk.language not in VOICES_ABROAD:
            continue
        audio = foreign_voice(chunk.language).say(chunk.text)
        if audio.duration >= LEAST:
            paths.append(folder / f"{chunk.id}.wav")
            soundfile.write(paths[-1], audio.samples, audio.sample_rate)
    return paths


def foreign_voice(language: str) -> Voice:
    """Return eSpeak NG's voice of a language of the corpus."""
    name = VOICES_ABROAD[language]
    return Voice(name, ("espeak-ng", "-v", name, "-w", "{output}", "{text}"))
