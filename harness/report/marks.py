"""A reviewer's marks: read from the file the report saved, checked against the run, turned into calibration figures.

A mark says of a whole chunk whether what was found there is real. So a class is counted by the marked chunks in which
it was found; a chunk with two classes counts for both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Required, TypedDict, cast

from harness.core.documents import read_json
from harness.core.durable import write_whole
from harness.core.errors import ConfigError
from harness.core.records import Arm, Finding, VerdictWord
from harness.detectors.readable import readable_value
from harness.stats import clopper_pearson
from harness.store import Run

SCHEMA = 1
REAL, FALSE_ALARM = "real", "false alarm"
STORED = "marks.json"
SUGGEST_MIN = 10  # marked chunks of a class; fewer say too little of where a limit belongs
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Mark:
    """One chunk as the reviewer heard it. ``word`` is None where only a note was written."""

    attempt: int
    variant: str
    chunk_id: str
    word: str | None
    note: str = ""


class ShownMark(TypedDict):
    """A mark and a note, as the page shows them."""

    mark: str | None
    note: str


class StoredMark(TypedDict, total=False):
    """One row of a file of marks."""

    attempt: Required[int]
    audio_sha256: str | None
    mark: str | None
    note: object  # a text, or what somebody else wrote there


class StoredMarks(TypedDict):
    """A file of marks."""

    schema: int
    run_id: str
    marks: list[StoredMark]


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """What the marks say of one fault class (of one variant, or of all).

    ``false_share`` is the share of false alarms among marked findings with its exact interval. ``quiet_limit`` is the
    limit at which none of the marked false alarms would have been found; ``lost`` counts the real faults that it would
    miss too. Both are None without a false alarm, or where the findings were held against different kinds of limit.
    """

    fault: str
    real: int
    false: int
    unmarked: int
    false_share: float | None
    interval: tuple[float, float] | None
    limits: tuple[float, ...]
    quiet_limit: float | None
    lost: int | None


def parse_marks(path: Path) -> tuple[str, list[StoredMark]]:
    """Run id and rows of a saved file. Raises ConfigError naming file and row."""
    data = read_json(path, "file of marks")
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or not isinstance(data.get("marks"), list):
        raise ConfigError(f"{path}: not a marks file of a report (schema {SCHEMA})")
    whole = cast(StoredMarks, data)
    for number, row in enumerate(whole["marks"], 1):
        if not isinstance(row, dict) or not isinstance(row.get("attempt"), int):
            raise ConfigError(f"{path}: mark {number} names no attempt")
        if row.get("mark") not in (REAL, FALSE_ALARM, None):
            raise ConfigError(f"{path}: mark {number}: {row.get('mark')!r} is neither {REAL!r} nor {FALSE_ALARM!r}")
    return str(whole.get("run_id")), whole["marks"]


def read_marks(path: Path, run: Run) -> list[Mark]:
    """Return the marks of a file.

    Raises ConfigError where they are of another run, or of audio that is not what was heard.
    """
    run_id, rows = parse_marks(path)
    if run_id != run.run_id:
        raise ConfigError(f"{path}: marks of run {run_id}, not of {run.run_id}")
    attempts_by_id = {attempt.id: attempt for attempt in run.attempts()}
    marks = []
    for number, row in enumerate(rows, 1):
        attempt = attempts_by_id.get(row["attempt"])
        if attempt is None or attempt.audio_sha256 != row.get("audio_sha256"):
            raise ConfigError(f"{path}: mark {number}: the run has no such audio for attempt {row['attempt']}")
        note = row.get("note")
        text = note if isinstance(note, str) else ""
        marks.append(Mark(row["attempt"], attempt.variant, attempt.chunk_id, row.get("mark"), text))
    return marks


def store_marks(path: Path, run: Run) -> list[Mark]:
    """Check a file and keep its marks beside the report, over those kept before; return all that are kept now."""
    fresh = {mark.attempt: mark for mark in read_marks(path, run)}
    merged = {**{mark.attempt: mark for mark in _kept(run)}, **fresh}
    sounds = {attempt.id: attempt.audio_sha256 for attempt in run.attempts()}
    rows = [
        {"attempt": m.attempt, "audio_sha256": sounds[m.attempt], "mark": m.word, "note": m.note}
        for m in merged.values()
    ]
    write_whole(run.path / STORED, json.dumps({"schema": SCHEMA, "run_id": run.run_id, "marks": rows}, indent=1))
    return list(merged.values())


def stored(run: Run) -> dict[int, ShownMark]:
    """Return attempt id -> mark and note, as the page shows them."""
    return {mark.attempt: {"mark": mark.word, "note": mark.note} for mark in _kept(run)}


def _kept(run: Run) -> list[Mark]:
    return read_marks(run.path / STORED, run) if (run.path / STORED).is_file() else []


def mark_counts(run: Run, marks: Sequence[Mark]) -> list[ClassFigures]:
    """Return figures of every class that was found in a chunk of the soak, most false alarms first.

    Replays do not count.
    """
    words = {mark.attempt: mark.word for mark in marks}
    by_class: dict[str, list[tuple[Finding, str | None]]] = {}
    for number, verdict in run.verdicts(arm=Arm.SOAK).items():
        if verdict.word is VerdictWord.FAULTY:
            for finding in verdict.findings:
                if finding.confirmed is not False:
                    by_class.setdefault(finding.fault, []).append((finding, words.get(number)))
    rows = [_figures(fault, marked) for fault, marked in by_class.items()]
    return sorted(rows, key=lambda row: (-row.false, -row.real, row.fault))


def _figures(fault: str, seen: Sequence[tuple[Finding, str | None]]) -> ClassFigures:
    real = [finding for finding, word in seen if word == REAL]
    false = [finding for finding, word in seen if word == FALSE_ALARM]
    marked = len(real) + len(false)
    sources = {finding.limit_source for finding in (*real, *false)}
    comparable = bool(false) and len(sources) == 1
    quiet = max(finding.value for finding in false) if comparable else None
    return ClassFigures(
        fault=fault,
        real=len(real),
        false=len(false),
        unmarked=len(seen) - marked,
        false_share=len(false) / marked if marked else None,
        interval=clopper_pearson(len(false), marked, _LEVEL) if marked else None,
        limits=tuple(sorted({finding.limit for finding, _ in seen})),
        quiet_limit=quiet,
        lost=sum(finding.value <= quiet for finding in real) if quiet is not None else None,
    )


def false_alarms(run: Run, marks: Sequence[Mark]) -> int:
    """Return chunks of the soak that are marked as false alarms, each once."""
    soaked = run.verdicts(arm=Arm.SOAK)
    return len({mark.attempt for mark in marks if mark.word == FALSE_ALARM and mark.attempt in soaked})


def mark_lines(rows: Sequence[ClassFigures], judged: int, alarms: int) -> list[str]:
    """Return the figures for a terminal, and what ``alarms`` chunks of ``judged`` mean for the false-alarm budget."""
    if not any(row.real + row.false for row in rows):
        return ["no finding of this run is marked"]
    text = [f"{'class':<22}{'real':>6}{'false':>7}{'unmarked':>10}  share of false alarms (95%)"]
    for row in rows:
        share = "-" if row.false_share is None or row.interval is None else _share(row.false_share, row.interval)
        text.append(f"{row.fault:<22}{row.real:>6}{row.false:>7}{row.unmarked:>10}  {share}")
        if row.quiet_limit is not None and row.real + row.false < SUGGEST_MIN:
            text.append(
                f"{'':<22}{row.real + row.false} marks are too few to suggest a limit ({SUGGEST_MIN} are needed)"
            )
        elif row.quiet_limit is not None:
            limits = ", ".join(readable_value(row.fault, limit) for limit in row.limits[:3])
            text.append(
                f"{'':<22}a limit of {readable_value(row.fault, row.quiet_limit)} (now {limits}) "
                f"would have kept silent on all {row.false} false alarms "
                f"and missed {row.lost} of {row.real} real faults"
            )
    if judged:
        low, high = clopper_pearson(alarms, judged, _LEVEL)
        text.append(
            f"marked as false alarms: {alarms} of {judged} judged chunks, {1000 * alarms / judged:.1f} per 1,000 "
            f"({1000 * low:.1f} to {1000 * high:.1f})"
        )
    return text


def _share(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.0%} ({interval[0]:.0%} to {interval[1]:.0%})"
