"""Speak the copies: hibari in this process, Flite and Piper as the programs they are."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from harness.audio import resample
from harness.core.records import Samples
from tools.words_bench.copies import Copy

FOREIGN_SECONDS = 2.0
LEAST_CLIP = 2.4  # s, of a clip with two seconds of speech
FOREIGN = {"de": "espeak-de", "ja": "kokoro-ja", "ru": "espeak-ru"}
GAP = 0.05  # s between pieces
Sound = tuple[Samples, int]


def speak_all(copies: Sequence[Copy], folder: Path, piper: tuple[str, str] | None, foreign: Path | None) -> None:
    """Write ``folder/ID.wav`` for each copy that is not there yet. What an engine is missing for is left out.

    ``piper``: the program and its model; ``foreign``: where the folders espeak-de, kokoro-ja and espeak-ru are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [copy for copy in copies if not (folder / f"{copy.id}.wav").exists()]
    for engine in ("hibari", "flite-slt", "flite-rms", "piper"):
        mine = [copy for copy in wanted if copy.engine == engine and (not copy.language or foreign)]
        if not mine or (engine == "piper" and piper is None):
            continue
        texts = [text for copy in mine for text in (copy.parts or (copy.said,))]
        sounds = iter(_speak(engine, texts, piper))
        for copy in mine:
            pieces = [next(sounds) for _ in (copy.parts or (copy.said,))]
            samples, rate = _spliced(pieces, _foreign(foreign, copy)) if foreign and copy.language else pieces[0]
            soundfile.write(folder / f"{copy.id}.wav", samples, rate, subtype="PCM_16")


def _speak(engine: str, texts: Sequence[str], piper: tuple[str, str] | None) -> list[Sound]:
    if engine == "piper":
        assert piper is not None
        return _piper(texts, *piper)
    one = _hibari() if engine == "hibari" else _flite(engine.removeprefix("flite-"))
    return [one(text) for text in texts]


def _hibari() -> Callable[[str], Sound]:
    from hibari import SAMPLE_RATE, Hibari  # type: ignore[import-not-found,import-untyped,unused-ignore]

    voice = Hibari()
    return lambda text: (np.asarray(voice(text, seed=0), np.float32), int(SAMPLE_RATE))


def _flite(voice: str) -> Callable[[str], Sound]:
    def speak(text: str) -> Sound:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            subprocess.run(["flite", "-voice", voice, "-t", text, "-o", file.name], check=True, timeout=120)
            return _read(Path(file.name))

    return speak


def _piper(texts: Sequence[str], program: str, model: str) -> list[Sound]:
    """Speak all texts, a line each; the program writes a file a line, named by the time."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "-m", model, "-d", folder, "--output-dir-naming", "timestamp"]
        subprocess.run(command, input="\n".join(texts), text=True, check=True, capture_output=True, timeout=7200)
        files = sorted(Path(folder).glob("*.wav"), key=lambda path: int(path.stem))
        if len(files) != len(texts):
            raise RuntimeError(f"piper wrote {len(files)} files for {len(texts)} texts")
        return [_read(path) for path in files]


def _read(path: Path) -> Sound:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.mean(axis=1), int(rate)


def _foreign(folder: Path, copy: Copy) -> Sound:
    place = folder / FOREIGN[copy.language]
    clips = [path for path in sorted(place.glob("*.wav")) if soundfile.info(path).duration > LEAST_CLIP]
    if not clips:
        raise FileNotFoundError(f"no clips of more than {LEAST_CLIP} s in {place}")
    return _read(clips[int(copy.id.rpartition("-")[2]) % len(clips)])


def _spliced(pieces: Sequence[Sound], foreign: Sound) -> Sound:
    """Join the first piece, two seconds of other speech where it has fewest pauses, and the second piece."""
    rate = pieces[0][1]
    other = resample(foreign[0], foreign[1], rate)
    width = min(int(FOREIGN_SECONDS * rate), len(other))
    sounding = np.concatenate([[0], np.cumsum(np.abs(other) > 0.02 * np.abs(other).max())])
    begins = int(np.argmax(sounding[width:] - sounding[: len(sounding) - width]))
    other = other[begins : begins + width]
    loud = float(np.abs(pieces[0][0]).max())
    other = other * (loud / max(float(np.abs(other).max()), 1e-6))
    gap = np.zeros(int(GAP * rate), np.float32)
    return np.concatenate([pieces[0][0], gap, other, gap, pieces[1][0]]).astype(np.float32), rate
