"""docs/sensitivity.md from stored figures: what was measured, when, on what, with which seed."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.detectors import catalogue
from harness.experiments.sensitivity.figures import RecallRow, found_dose, from_json
from harness.experiments.sensitivity.table import alarm_table, dose_table, recall_table, rows_by_injector
from tools.sensitivity.first_run import kept

WANTED = 0.95
EXPLAINED = Path(__file__).with_name("explained.toml")
HEAD = """# What the harness notices, with figures

Written by `python -m tools.sensitivity table` from stored measurements. Each class of `tts-soak faults` is put into
clean speech at a stated dose, and the copies are scored and judged like any other speech.
*Found as such*: the class's own evidence lies beyond its limit. *Found at all*: any class that was scored for it found
something. Copies that could not be judged count as not found; clips without room for the fault do not count. Intervals
are exact (Clopper-Pearson, 95%). *Found 90%* is the dose found nine times of ten, between the doses tried.
"""


@dataclass(frozen=True, slots=True)
class Parts:
    """Files of figures (JSON) beside the runs; None: not measured."""

    healthy: Path | None = None
    words: Path | None = None
    process: Path | None = None
    numbers: Path | None = None
    first_run: Path | None = None  # only for `tts-soak faults NAME`; the page has it among the first runs


def write(runs: Sequence[Path], beside: Parts, docs: Path, data: Path) -> list[Path]:
    """Write the page and the figures of `tts-soak faults NAME`; returns both paths."""
    parts, measured = [HEAD], {}
    if beside.first_run is not None:
        stored = _load(beside.first_run)
        measured |= _measured(from_json(stored["rows"]), f"{stored['engine']} without a reference, {_dated(stored)}")
    for name, result in _together(runs):
        parts.append(_variant(name, result))
        measured |= _measured(from_json(result["rows"]), f"{name}, {result['date']}, seed {result['seed']}")
    if beside.process is not None:
        stored = _load(beside.process)
        parts.append(_process(stored))
        measured |= _measured(from_json(stored["rows"]), f"null backend, {_dated(stored)}")
    if beside.numbers is not None:
        stored = _load(beside.numbers)
        parts.append(_numbers(stored))
        measured |= _measured(from_json(stored["rows"]), f"{stored['voice']}, {_dated(stored)}")
    parts += [_not_measured(measured), _whole_run()]
    if beside.healthy is not None:
        parts.append(_health(_load(beside.healthy)))
    if beside.words is not None:
        parts.append(_words(_load(beside.words)))
    first_runs = kept(docs)
    page = "\n".join(parts).rstrip() + "\n" + (f"\n{first_runs}" if first_runs else "")
    docs.write_text(page, encoding="utf-8")
    data.write_text(json.dumps(dict(sorted(measured.items())), indent=1) + "\n", encoding="utf-8")
    return [docs, data]


def _together(runs: Sequence[Path]) -> list[tuple[str, dict[str, Any]]]:
    """Results by variant; parts measured on the same clips under the same limits are one."""
    rows: list[tuple[str, dict[str, Any]]] = []
    for path in runs:
        for name, result in _load(path).items():
            same = ("texts", "corpus", "limits_key", "seed", "clean")
            alike = [one for other, one in rows if other == name and all(one[key] == result[key] for key in same)]
            if alike:
                alike[0]["rows"] += result["rows"]
            else:
                rows.append((name, result))
    order = list(catalogue())
    for _, result in rows:
        result["rows"].sort(key=lambda row: order.index(row["fault"]))
    return rows


def _load(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _dated(found: dict[str, Any]) -> str:
    return f"{found['date']}, seed {found['seed']}"


def _variant(name: str, result: dict[str, Any]) -> str:
    rows = from_json(result["rows"])
    asr = result["scorers"].get("intelligibility", {}).get("asr") or "the default recognizer"
    said = [
        f"## Injected into {name}",
        "",
        f"{_dated(result)}; {result['texts']} texts of `{result['corpus']}`, one take each; "
        f"judged by {result['limits']}; words heard by {asr}. Copies are made of clips in which nothing is found; "
        "where those do not suffice, what is found before does not count.",
        "",
        *recall_table(rows),
        "",
        *_short_of(rows),
        "",
        "By dose (found as such / tried):",
        "",
        *dose_table(rows),
        "",
        "Alarms on the clips as they were spoken, all classes together; the voice's own slips are among them:",
        "",
        *alarm_table(result["alarms"]),
        "",
    ]
    said += [f"- `{one['chunk']}`: {'; '.join(one['why'])}" for one in result.get("clean", [])]
    return "\n".join([*said, ""])


def _short_of(rows: Sequence[RecallRow]) -> list[str]:
    """Classes whose promise is not kept at the preset, each with its figure."""
    preset = [row for row in rows if row.preset and row.injector == row.fault and row.count]
    kept = [row for row in preset if row.low >= WANTED]
    few = [row for row in preset if row.low < WANTED and row.named == row.count]
    short = [row for row in preset if row.low < WANTED and row.named < row.count]
    said = [f"{len(kept)} of {len(preset)} classes have a lower bound of {WANTED:.2f} or more at their preset dose."]
    if few:
        shown = ", ".join(f"{row.fault} ({row.named} of {row.count})" for row in few)
        said.append(f"Found every time, but tried too rarely for that bound: {shown}.")
    if short:
        shown = ", ".join(f"{row.fault} ({row.named} of {row.count})" for row in short)
        said.append(f"Not reached: {shown}.")
    return said


def _process(found: dict[str, Any]) -> str:
    how = (
        "a real worker around the null backend (fake-streaming: around a program that streams), every second request "
        f"struck through the adapter `faulty`. Of the {found['clean']} requests between them {found['alarms']} raised "
        "an alarm."
    )
    return _recall("Put into a living process", how, found)


def _numbers(found: dict[str, Any]) -> str:
    how = (
        f"{found['voice']} reads texts with one number each, the digits moved by three, judged by the text as written "
        f"beside the same voice reading that; words heard by {found['asr']}. Of {found['clean']} readings as written, "
        f"a little slower, {found['alarms']} raised an alarm."
    )
    return _recall("Numbers", how, found)


def _recall(title: str, how: str, found: dict[str, Any]) -> str:
    lines = [f"## {title}", "", f"{_dated(found)}; {how}", "", *recall_table(from_json(found["rows"])), ""]
    return "\n".join(lines)


def _not_measured(measured: dict[str, str]) -> str:
    left = [name for name, fault in catalogue().items() if name not in measured and not fault.judged_by]
    if not left:
        return ""
    return f"## Not measured\n\nNo figure yet for the recall of: {', '.join(left)}. `tts-soak sensitivity` gives one.\n"


def _whole_run() -> str:
    lines = ["## Judged over a whole run", "", "No single chunk shows these; a claim does.", ""]
    lines += ["| class | judged by |", "| --- | --- |"]
    lines += [f"| {f.name} | {f.judged_by} |" for f in catalogue().values() if f.judged_by]
    return "\n".join([*lines, ""])


def _health(found: dict[str, Any]) -> str:
    asr = found.get("synthetic", {}).get("asr")
    also = (
        f"; the first {found['heard']} clips of a synthetic voice also by {asr}, beside another "
        "reading of the text by the same voice"
        if found["heard"]
        else ""
    )
    lines = [
        "## Healthy speech of other voices",
        "",
        f"{_dated(found)}; the catalogue's default limits, signal and pitch classes without a reference{also}.",
        "",
    ]
    explained = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    for part in [found.get("synthetic"), *found.get("recordings", {}).values()]:
        if part is None:
            continue
        lines += [*alarm_table(part["alarms"]), ""]
        lines += [_listed(one, explained.get(one["clip"])) for one in part["listed"]]
        lines += [""]
    return "\n".join(lines)


def _listed(one: dict[str, Any], looked_at: str | None) -> str:
    said = f"- {one['kind']}, `{one['clip']}`: {'; '.join(one['why'])}"
    return f"{said}. Looked at: {looked_at}." if looked_at else f"{said}. Not looked at yet."


def _words(found: dict[str, Any]) -> str:
    lines = [
        "## Times of words",
        "",
        f"{_dated(found)}; Whisper's alignment against the phone ends that Flite itself tells, chunks "
        "of `book`. Share of aligned words whose end lies within 150 ms of the end of the word's last phone.",
        "",
        "| voice | words | aligned | within 150 ms | 95% interval | median | 90th percentile |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for voice, counts in found["voices"].items():
        if not counts["aligned"]:
            lines.append(f"| {voice} | {counts['words']} | 0 | - | - | - | - |")
            continue
        lines.append(
            f"| {voice} | {counts['words']} | {counts['aligned']} | {counts['share']:.1%} | {counts['low']:.1%} to "
            f"{counts['high']:.1%} | {1000 * counts['median_seconds']:.0f} ms | {1000 * counts['p90_seconds']:.0f} ms |"
        )
    return "\n".join([*lines, ""])


def _measured(rows: Sequence[RecallRow], material: str) -> dict[str, str]:
    """One line a class for `tts-soak faults NAME`."""
    lines: dict[str, str] = {}
    for group in rows_by_injector(rows):
        row = next((one for one in group if one.preset), None)
        if row is None or row.injector != row.fault or not row.count:
            continue
        edge = found_dose(group) if len(group) > 1 else None
        said = f"{row.named} of {row.count} found as such at the preset dose ({row.low:.2f} to {row.high:.2f})"
        if row.found > row.named:
            said += f", {row.found} at all"
        if edge is not None:
            said += f"; 90% from {edge:.3g} on"
        lines[row.fault] = f"{said}; {material}"
    return lines
