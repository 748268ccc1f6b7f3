"""What other programs read: JSONL and CSV of every score, Markdown, GitHub annotations, JUnit properties."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from harness.core.records import Attempt, Json, Measurement, Verdict
from harness.report.headline import VariantWord, headlines, sentence
from harness.report.summary import RunSummary, VariantSummary
from harness.store import Run
from harness.store.table import attempt_rows

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run such a cell
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MOST_ANNOTATIONS = 10  # GitHub shows ten of a kind and step


# ----------------------------------------------------------------------------- tables
def write_tables(run_path: Path) -> tuple[Path, Path]:
    """Write ``scores.jsonl`` and ``scores.csv`` into the run's directory: one attempt a row. Return both paths."""
    with Run.open(run_path) as run:
        rows = list(attempt_rows(run))
    lines, table = run_path / "scores.jsonl", run_path / "scores.csv"
    with lines.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n" for row in rows)
    with table.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        write_csv(rows, file)
    return lines, table


def write_csv(rows: Sequence[Json], file: IO[str]) -> None:
    """Write rows of :func:`harness.store.table.attempt_rows` as CSV that no spreadsheet runs."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(file, columns or ["run_id"], restval="")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, str):
        value = value.replace("\0", "\\0")
        return "'" + value if value.startswith(_FORMULA) else value
    return "" if value is None else value


# ----------------------------------------------------------------------------- Markdown
def verdict_markdown(summary: RunSummary) -> str:
    """Return the verdict table and the one sentence, as Markdown that no name or reason can break out of."""
    words, valid = headlines(summary), summary.timed
    lines = [
        f"### {_plain(summary.suite)}: {_plain(summary.corpus.name)}",
        "",
        _plain(sentence(summary, words)),
        "",
    ]
    lines += _rows(
        ["variant", "verdict", "faulty (95%)", "WER", "SIM", "token ratio", "RTFx", "memory", "size", "not judged"],
        ([name, words[name].word.value, *_figures(row, valid)] for name, row in summary.variants.items()),
    )
    classes = [
        [name, ", ".join(f"{fault} {count}" for fault, count in row.faults.items()) or "none"]
        for name, row in summary.variants.items()
    ]
    lines += ["", *_rows(["variant", "faults by class (chunks)"], classes), "", f"Run `{_code(summary.run_id)}`."]
    return "\n".join([*lines, *(_plain(note) for note in summary.notes)]) + "\n"


def model_card(summary: RunSummary) -> str:
    """Return a table for a model card: figures with counts and intervals, and what they were measured with."""
    recognizer = summary.recognizer
    rows = [[name, *_figures(row, summary.timed)] for name, row in summary.variants.items()]
    heads = ["variant", "faulty chunks (95%)", "WER", "SIM", "token ratio", "RTFx", "memory", "size", "not judged"]
    commit = (summary.provenance["code"].get("commit") or "unknown")[:12]
    with_what = (
        f"Measured by tts-soak {_code(commit)} on {summary.corpus.chunks} consecutive chunks of the corpus "
        f"{_plain(summary.corpus.name)} (sha256 {_code(summary.corpus.sha256[:12])}). Words by "
        f"{_plain(str(recognizer.engine))} {_plain(str(recognizer.model))}, normaliser "
        f"{_plain(str(recognizer.normaliser))}; SIM is the cosine of {_plain(str(summary.encoder))} embeddings; "
        f"RTFx is audio seconds per second of the request on {_plain(str(summary.provenance['cpu']['model']))}."
    )
    return "\n".join([*_rows(heads, rows), "", with_what]) + "\n"


def write_markdown(summary: RunSummary, path: Path | None = None) -> list[Path]:
    """Append the Markdown to ``$GITHUB_STEP_SUMMARY`` where it is set, and write it to ``path`` where one is given."""
    text, written = verdict_markdown(summary), []
    if path is not None:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
        written.append(path)
    return written + to_step_summary(text)


def to_step_summary(text: str) -> list[Path]:
    """Append to ``$GITHUB_STEP_SUMMARY``; nothing where it is not set."""
    step = os.environ.get("GITHUB_STEP_SUMMARY")
    if not step:
        return []
    with Path(step).open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return [Path(step)]


def _figures(row: VariantSummary, timed: bool) -> list[str]:
    rate, base = row.fault_rate, row.against
    share = "–"
    if rate.value is not None:
        share = f"{rate.value:.1%} ({rate.count} of {rate.total}; {rate.low:.1%} to {rate.high:.1%})"
    wer = "–" if row.wer.rate is None else f"{row.wer.rate:.1%}"
    if base is not None and base.wer is not None:
        wer += f" ({100 * base.wer.value:+.1f} pp against {base.name})"
    return [
        share,
        wer,
        _number(row.speaker_similarity.mean, ".3f"),
        _number(base.tokens.value if base is not None and base.tokens is not None else None, ".3f"),
        _number(row.rtfx.value, ".1f") if timed else "invalid: overloaded",
        _size(row.peak_memory_bytes),
        _size(row.model_bytes),
        f"{row.not_judged} of {row.chunks}" + _unspoken(row),
    ]


def _rows(heads: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return lines + ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in rows]


def _unspoken(row: VariantSummary) -> str:
    return f" ({row.nothing_to_speak} with nothing to speak)" if row.nothing_to_speak else ""


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no mention, no new line."""
    flat = " ".join(text.split())
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~&])", lambda found: f"&#{ord(found[1])};", flat)
    return escaped.replace("@", "&#64;").replace("://", ":&#47;&#47;")


def _code(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._:-]", "?", text)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _size(value: int | None) -> str:
    return "–" if value is None else f"{value / 1e6:,.1f} MB"


# ----------------------------------------------------------------------------- GitHub annotations
def github_annotations(summary: RunSummary) -> list[str]:
    """Return workflow commands: an error a variant that fails, a warning where a run cannot say; at most ten."""
    lines = []
    for name, headlines_by_variant in headlines(summary).items():
        if headlines_by_variant.word is not VariantWord.PASSES:
            kind = "warning" if headlines_by_variant.word is VariantWord.OPEN else "error"
            title = _message(f"{name}: {headlines_by_variant.word.value}").replace(":", "%3A").replace(",", "%2C")
            lines.append(f"::{kind} title={title}::{_message(headlines_by_variant.why)}")
    return lines[:_MOST_ANNOTATIONS]


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


# ----------------------------------------------------------------------------- JUnit
def junit_properties(
    attempt: Attempt, verdict: Verdict | None, seen: Mapping[str, Measurement] | None = None
) -> list[tuple[str, str]]:
    """Return what ``item.user_properties`` should hold for the item of a chunk: names and values that XML can carry."""
    pairs: list[tuple[str, object]] = [
        ("variant", attempt.variant),
        ("chunk", attempt.chunk_id),
        ("verdict", verdict.word.value if verdict is not None else "not judged"),
        ("outcome", attempt.outcome.value),
        ("seed", attempt.seed),
        ("duration_seconds", attempt.duration),
        ("speech_tokens", attempt.token_count),
        ("cpu_seconds", attempt.cpu_seconds),
        ("audio", attempt.audio),
    ]
    for finding in verdict.findings if verdict is not None else ():
        where = f" at {finding.span[0]:.2f}-{finding.span[1]:.2f} s" if finding.span is not None else ""
        pairs.append((f"fault.{finding.fault}", f"{finding.value:.4g} against {finding.limit:.4g}{where}"))
    heard = (seen or {}).get("intelligibility")
    if heard is not None and (wer := heard.transcript.get("wer")):
        pairs.append(("wer", wer.get("rate")))
    return [(name, _NOT_XML.sub("?", str(value))) for name, value in pairs if value is not None]
