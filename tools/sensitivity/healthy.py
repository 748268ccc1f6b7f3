"""False alarms on healthy speech of many voices, with the catalogue's default limits.

Signal classes judge without a reference. Clips that are also listened to have one, as a voice under test has: the same
voice reading the same text once more. A recognizer that knows neither the voice nor what it should say cannot tell a
strange voice from a wrong word.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.audio import AudioFile, read_audio
from harness.core.records import Attempt, Chunk, ReferenceRecord, Variant
from harness.corpora import load_corpus
from harness.experiments.sensitivity import Trials, Twin
from harness.experiments.sensitivity.figures import alarms
from harness.scorers.asr_models import DEFAULT
from harness.verdicts import Limits, VerdictPolicy
from harness.verdicts.profile.build import reference_of
from harness.verdicts.profile.takes import Take
from tools.sensitivity.voices import VOICES, recordings

SIGNAL = frozenset({"signal", "pitch"})
WORDS = frozenset({"edit_likelihood", "intelligibility"})
AGAIN = {voice.name: voice.again() for voice in VOICES}


def twin(kind: str, chunk: Chunk, audio: AudioFile, variant: Variant | None = None) -> Twin:
    """Return a clip as a twin without observations."""
    variant = variant or Variant(kind, "recorded", language=chunk.language)
    attempt = Attempt(0, 0, 0, chunk.id, kind, sample_rate=audio.sample_rate, duration=audio.duration)
    return Twin(chunk, attempt, audio.samples, audio.sample_rate, {}, variant, kind)


def synthetic(number: int, texts: int, seed: int) -> Iterator[Twin]:
    """Yield the voice at index ``number`` with ``texts`` chunks: a few very short ones, the others of the book."""
    chunks, voice = load_corpus("book").chunks, VOICES[number]
    short = [Chunk(f"short-{i}", t) for i, t in enumerate(("Good morning.", "Yes.", "No, thank you.", "Not today."))]
    step = len(chunks) // texts
    own = [chunks[(seed + number * 7 + i * step) % len(chunks)] for i in range(texts - len(short))]
    for chunk in (*short, *own):
        yield twin(voice.name, chunk, voice.say(chunk.text), Variant(voice.name, "recorded"))


def recorded(folder: Path) -> Iterator[Twin]:
    """Yield recordings of people; their texts are not looked at, so that only signal classes judge."""
    for kind, path in recordings(folder):
        yield twin(f"recordings {kind}", Chunk(path.stem, _text(path)), read_audio(path), Variant(kind, "recorded"))


def _text(path: Path) -> str:
    """Return the text beside a recording (LibriSpeech's .trans.txt, a .txt of the same name), else nothing."""
    beside = path.with_suffix(".txt")
    if beside.is_file():
        return beside.read_text(encoding="utf-8").strip()
    for listed in path.parent.glob("*.trans.txt"):
        for line in listed.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            if name == path.stem:
                return text
    return ""


def measure(twins: Iterator[Twin], heard: int) -> dict[str, Any]:
    """Return what was found in each clip, by kind of material.

    The first ``heard`` of a kind also go to the recognizers.
    """
    trials = _trials()
    by_class: dict[str, list[tuple[str, ...]]] = {}
    listed: list[dict[str, Any]] = []
    listened: dict[str, int] = {}
    began = time.process_time()
    for bare in twins:
        count = len(by_class.setdefault(bare.kind, []))
        words = bool(bare.chunk.text) and count < heard
        listened[bare.kind] = listened.get(bare.kind, 0) + words
        whole = replace(bare, observations=trials.score(bare, SIGNAL | WORDS if words else SIGNAL))
        if words and bare.kind in AGAIN:
            whole = replace(whole, reference=_reference(bare, trials))
        names = trials.clean(whole)
        by_class[bare.kind].append(names)
        if names:
            listed.append({"kind": bare.kind, "clip": bare.chunk.id, "why": list(trials.clean_details(whole))})
    return {
        "clips": by_class,
        "listed": listed,
        "listened": listened,
        "cpu_seconds": time.process_time() - began,
    }


@cache
def _trials() -> Trials:
    """With recognizers that are loaded once a process, however many voices it hears."""
    scorers: dict[str, dict[str, Any]] = {name: {} for name in SIGNAL | WORDS}
    scorers["intelligibility"] = {"asr": DEFAULT}
    return Trials(VerdictPolicy(Limits.default()), scorers)


def together(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return figures of what was measured in parts, each of other kinds of material."""
    return {
        "alarms": alarms({kind: names for part in parts for kind, names in part["clips"].items()}),
        "listed": [one for part in parts for one in part["listed"]],
        "listened": {kind: count for part in parts for kind, count in part["listened"].items()},
        "asr": DEFAULT,
        "cpu_seconds": round(sum(part["cpu_seconds"] for part in parts), 1),
    }


def _voice(job: tuple[int, int, int, int]) -> dict[str, Any]:
    number, texts, heard, seed = job
    return measure(synthetic(number, texts, seed), heard)


def _reference(bare: Twin, trials: Trials) -> ReferenceRecord:
    again = AGAIN[bare.kind]
    other = twin(again.name, bare.chunk, again.say(bare.chunk.text), bare.variant)
    return reference_of([Take(bare.chunk, other.attempt, trials.score(other, SIGNAL | WORDS))])


def run(texts: int, heard: int, folders: Sequence[Path], seed: int, processes: int = 1) -> dict[str, Any]:
    """Measure synthetic voices, so many at once as there are ``processes``, and recordings, apart."""
    result: dict[str, Any] = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "seed": seed, "heard": heard}
    if texts:
        jobs = [(number, texts, heard, seed) for number in range(len(VOICES))]
        parts = []
        with ProcessPoolExecutor(processes) as pool:
            for voice, part in zip(VOICES, pool.map(_voice, jobs), strict=True):
                parts.append(part)
                alarmed = sum(bool(names) for names in part["clips"][voice.name])
                print(f"{voice.name}: {alarmed} alarms in {texts} | {len(parts)}/{len(VOICES)}", file=sys.stderr)
        result["synthetic"] = together(parts)
    for folder in folders:
        result.setdefault("recordings", {})[folder.name] = together([measure(recorded(folder), 0)])
    return result
