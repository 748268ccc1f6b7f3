"""The priors: what healthy voices are like. Each voice is spoken and scored once, and kept; fitting is cheap."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core.records import Chunk, Variant
from harness.corpora import load_corpus
from harness.detectors import detect_all
from harness.experiments.sensitivity import Trials, Twin
from harness.verdicts import Limits, Priors, RunChunk, VerdictPolicy
from harness.verdicts.calibration import fit_priors
from harness.verdicts.settled import settle_run
from harness.verdicts.whole import figure_values
from tools.sensitivity.clips import clips, scored
from tools.sensitivity.healthy import recorded, twin
from tools.sensitivity.voices import VOICES, Voice

UNKNOWN_TEXT = "word " * 20  # of a recording that came without its text: a sentence of common length
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


def measure_all(
    folder: Path, texts: int, engines: Mapping[Path, str], recordings: Sequence[Path], scorers: frozenset[str]
) -> None:
    """Speak and score every voice that ``folder`` does not hold yet, a file a voice.

    ``engines``: folders with clips (see ``tools.sensitivity.clips``) and their language. Recordings have no texts, so
    that only what the waveform shows is taken from them.
    """
    trials = Trials(VerdictPolicy(Limits.default(Priors())), {name: {} for name in scorers})
    sources: dict[str, Callable[[], Iterator[Twin]]] = {path.name: _of(path, lang) for path, lang in engines.items()}
    for path in recordings:
        sources |= {f"people {part.name}": _people(part) for part in sorted(path.iterdir()) if part.is_dir()}
    for number, voice in enumerate(VOICES if texts else ()):
        sources[voice.name] = _synthetic(voice, number, texts)
    for name, make in sources.items():
        path = folder / f"{name.replace(' ', '_')}.json"
        if path.exists():
            continue
        path.write_text(json.dumps(voice_record(list(scored(make(), trials, scorers)))), encoding="utf-8")
        print(f"{name} | {len(list(folder.glob('*.json')))}/{len(sources)}", file=sys.stderr, flush=True)


def voice_record(twins: Sequence[Twin]) -> dict[str, Any]:
    """Return what the detectors see in each chunk of a healthy voice, and its figures as a whole, as plain JSON."""
    views = [replace(one, previous=None).view if not one.chunk.text else one.view for one in twins]
    settled = settle_run(views, [detect_all(view) for view in views], Priors())
    rows = [
        {
            "id": view.chunk.id,
            "text": view.chunk.text,
            "language": view.chunk.language,
            "values": {seen.fault: seen.value for seen in evidence if seen.value is not None},
        }
        for view, evidence in zip(settled.views, settled.evidence, strict=True)
    ]
    return {"chunks": rows, "figures": figure_values(settled.views)}


def fit(folder: Path, without: Collection[str]) -> Priors:
    """Fit the priors on the voices in ``folder``, but for those whose names begin with one of ``without``."""
    voices: dict[str, list[RunChunk]] = {}
    figures: dict[str, dict[str, float]] = {}
    for path in sorted(folder.glob("*.json")):
        name = path.stem
        if any(name.startswith(start) for start in without):
            continue
        record = json.loads(path.read_text(encoding="utf-8"))
        voices[name] = [
            RunChunk(number, Chunk(row["id"], row["text"] or UNKNOWN_TEXT, row["language"]), row["values"])
            for number, row in enumerate(record["chunks"], 1)
        ]
        figures[name] = record["figures"]
    return fit_priors(voices, figures)


def _of(path: Path, language: str) -> Callable[[], Iterator[Twin]]:
    return lambda: clips(path, language)


def _people(path: Path) -> Callable[[], Iterator[Twin]]:
    return lambda: _numbered(recorded(path))


def _synthetic(voice: Voice, number: int, texts: int) -> Callable[[], Iterator[Twin]]:
    return lambda: _numbered(_spoken(voice, number, texts))


def _spoken(voice: Voice, number: int, texts: int) -> Iterator[Twin]:
    book = load_corpus("book").chunks
    chunks = [Chunk(f"short-{i}", text) for i, text in enumerate(SHORT)]
    chunks += [book[(7 * (number + i)) % len(book)] for i in range(max(texts - len(SHORT), 0))]
    for chunk in chunks:
        yield twin(voice.name, chunk, voice.say(chunk.text), Variant(voice.name, "recorded"))


def _numbered(twins: Iterator[Twin]) -> Iterator[Twin]:
    for number, one in enumerate(twins, 1):
        yield replace(one, attempt=replace(one.attempt, id=number, sequence=number - 1))
