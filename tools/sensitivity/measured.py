"""Healthy voices as they were measured: what the scorers saw in each chunk, kept so that fitting scores nothing again.

One file a voice: ``{"chunks": [{"id", "text", "language", "measurements": {scorer: {version, status, payload}}}]}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.core.records import Attempt, Chunk, Detection, DetectorInput, Json, Measurement, Status
from harness.detectors import detect_all
from harness.experiments.sensitivity import Trials, Twin
from harness.verdicts import Priors, RunChunk
from harness.verdicts.settled import settle_run
from harness.verdicts.whole import figure_values
from tools.sensitivity.clips import clips, scored
from tools.sensitivity.healthy import recorded, twin
from tools.sensitivity.voices import SUFFIXES, Voice, spoken_texts

PEOPLE = "people"
# Unit selection: its last piece may be cut within its sound, which is the fault.
ENDS_IN_A_UNIT = ("festival-ru-clunits",)
CUT = ("truncated-ending",)  # recordings of corpora are pieces cut out of longer ones: they show it by their making
UNKNOWN_TEXT = "word " * 20  # of a recording that came without its text: a sentence of common length


@dataclass(frozen=True)
class MeasuredVoice:
    """A voice as one run of its own; the sequences are in the order of the run. ``figures`` are those of the whole."""

    name: str
    chunks: Sequence[RunChunk]
    evidence: Sequence[Sequence[Detection]]
    figures: Mapping[str, float]

    @property
    def engine(self) -> str:
        """Return what stands before the first mark in the voice's name; every person is an engine of their own."""
        first = self.name.replace("-", "_").partition("_")[0]
        return self.name if first == PEOPLE else first


def voices_in(folder: Path) -> list[MeasuredVoice]:
    """Return every voice that ``folder`` keeps, as the detectors see it today."""
    return [_load(path) for path in sorted(folder.glob("*.json"))]


def from_folders(engines: Mapping[Path, str]) -> dict[str, Callable[[], Iterator[Twin]]]:
    """Name the clips of engines (folder -> language; see ``tools.sensitivity.clips``) as sources to measure."""
    return {path.name: _clips_of(path, language) for path, language in engines.items()}


def from_people(folder: Path) -> dict[str, Callable[[], Iterator[Twin]]]:
    """Name recordings as sources: a folder a person, or one person.

    Of these only what the waveform shows counts.
    """
    flat = any(path.suffix in SUFFIXES for path in folder.iterdir())
    parts = [folder] if flat else [part for part in sorted(folder.iterdir()) if part.is_dir()]
    return {f"{PEOPLE} {part.name}": _people_of(part) for part in parts}


def from_programs(voices: Sequence[Voice], texts: int, corpus: str) -> dict[str, Callable[[], Iterator[Twin]]]:
    """Name voices that a program speaks as sources, ``texts`` chunks each, most of them of ``corpus``."""
    return {voice.name: _spoken_by(voice, spoken_texts(number, texts, corpus)) for number, voice in enumerate(voices)}


def measure_into(
    folder: Path, sources: Mapping[str, Callable[[], Iterator[Twin]]], trials: Trials, scorers: frozenset[str]
) -> Iterator[str]:
    """Score every voice that ``folder`` lacks, or holds as an older scorer saw it; yield its name once it is whole."""
    versions = {name: trials.version_of(name) for name in scorers}
    for name, speak in sources.items():
        path = folder / f"{name.replace(' ', '_')}.json"
        rows = json.loads(path.read_text(encoding="utf-8"))["chunks"] if path.exists() else []
        kept = _kept(rows, versions)
        if rows and kept == scorers:
            continue
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"chunks": _scored_anew(speak(), rows, kept, trials, scorers)}), encoding="utf-8")
        part.replace(path)
        yield name


def _kept(rows: Sequence[Json], versions: Mapping[str, str]) -> frozenset[str]:
    """Names of the scorers that saw every chunk in the version of today."""
    return frozenset(
        name
        for name, version in versions.items()
        if all(row["measurements"].get(name, {}).get("version") == version for row in rows)
    )


def _scored_anew(
    twins: Iterator[Twin], rows: Sequence[Json], kept: frozenset[str], trials: Trials, scorers: frozenset[str]
) -> list[Json]:
    before = {row["id"]: row["measurements"] for row in rows}
    anew = []
    for one in scored(twins, trials, scorers - kept if before else scorers):
        row = _row(one)
        row["measurements"] = {**before.get(one.chunk.id, {}), **row["measurements"]}
        anew.append(row)
    return anew


def _row(one: Twin) -> Json:
    measurements = {
        name: {"version": m.version, "status": m.status.value, "payload": m.payload, "reason": m.reason}
        for name, m in one.observations.items()
    }
    chunk = one.chunk
    return {"id": chunk.id, "text": chunk.text, "language": chunk.language, "measurements": measurements}


@cache
def _load(path: Path) -> MeasuredVoice:
    rows = json.loads(path.read_text(encoding="utf-8"))["chunks"]
    views = [_view(number, row, path.stem) for number, row in enumerate(rows, 1)]
    settled = settle_run(views, [detect_all(view) for view in views], Priors())
    left_out = CUT if path.stem.startswith((PEOPLE, *ENDS_IN_A_UNIT)) else ()
    detections = [[one for one in evidence if one.fault not in left_out] for evidence in settled.evidence]
    chunks = [
        RunChunk(
            number,
            Chunk(row["id"], row["text"] or UNKNOWN_TEXT, row["language"]),
            {one.fault: one.value for one in evidence if one.value is not None},
        )
        for number, (row, evidence) in enumerate(zip(rows, detections, strict=True), 1)
    ]
    return MeasuredVoice(path.stem, chunks, detections, figure_values(settled.views))


def _view(number: int, row: Json, voice: str) -> DetectorInput:
    signal = row["measurements"].get("signal", {}).get("payload", {})
    attempt = Attempt(
        0,
        0,
        number - 1,
        row["id"],
        voice,
        sample_rate=signal.get("sample_rate"),
        duration=signal.get("duration"),
        id=number,
    )
    measurements = {
        name: Measurement(name, m["version"], Status(m["status"]), m["payload"], m["reason"])
        for name, m in row["measurements"].items()
    }
    return DetectorInput(Chunk(row["id"], row["text"], row["language"], position=number - 1), attempt, measurements)


def _clips_of(path: Path, language: str) -> Callable[[], Iterator[Twin]]:
    return lambda: clips(path, language)


def _people_of(path: Path) -> Callable[[], Iterator[Twin]]:
    return lambda: recorded(path)


def _spoken_by(voice: Voice, chunks: Sequence[Chunk]) -> Callable[[], Iterator[Twin]]:
    return lambda: (twin(voice.name, chunk, voice.say(chunk.text)) for chunk in chunks)
