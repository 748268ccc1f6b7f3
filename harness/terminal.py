"""The live progress line and the closing table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table

from harness.core.printable import printable
from harness.engine.progress import Tick

if TYPE_CHECKING:
    from harness.report.summary import ClaimFigures, RunSummary, ScoringLag, VariantSummary

_PLAIN_EVERY = 15.0  # s between lines where the terminal cannot rewrite one


_NOT_JUDGING = ("quiet pass", "trials", "generations")  # stages in which nothing can look faulty


class Line:
    """Shows where the run stands: one line rewritten in a terminal, a line now and then in a log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._last = 0.0
        self._width = 0
        self._stage = ""

    def tick(self, tick: Tick) -> None:
        """Show the tick; in a log only the first and last of a stage and one every 15 s."""
        now = time.monotonic()
        stage = f"{tick.variant} {tick.stage}"
        text = progress_line(tick)
        if self._live:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
            if tick.done == tick.total:
                self._end()
        elif stage != self._stage or tick.done == tick.total or now - self._last >= _PLAIN_EVERY:
            self._stream.write(text + "\n")
            self._last = now
        self._stage = stage
        self._stream.flush()

    def say(self, message: str) -> None:
        """Print a message on a line of its own."""
        self._end()
        self._stream.write(printable_redacted(message) + "\n")
        self._stream.flush()

    def _end(self) -> None:
        if self._live and self._width:
            self._stream.write("\n")
            self._width = 0


def printable_redacted(text: str) -> str:
    """Return what may be printed of a text that others had a part in: no secret, no control character, no command."""
    from harness.store import redact  # only where something is said: not at collection

    return printable(redact(text))


def progress_line(tick: Tick) -> str:
    """Return a tick as one line: chunk, speed, faults so far, time left."""
    parts = [f"{tick.variant}: {tick.stage} {tick.done}/{tick.total}"]
    if tick.rtfx is not None:
        parts.append(f"{tick.rtfx:.1f}x real time")
    parts.append(f"{tick.faulty} look faulty" if tick.stage not in _NOT_JUDGING else "")
    if tick.not_judged:
        parts.append(f"{tick.not_judged} not judged")
    left = tick.seconds_left
    if left is not None and tick.done < tick.total:
        parts.append(f"{int(left // 60)}:{int(left % 60):02d} left")
    return " | ".join(part for part in parts if part)


def verdict_table(summary: RunSummary, width: int) -> str:
    """Return the closing table, one row a variant, from ``summary.json``'s content; what no variant tells has no
    column.

    Where a variant spoke several languages, a second table has WER and CER of each.
    """
    rows = [_cells(name, row, "{:.1f}" if summary.timed else "({:.1f})") for name, row in summary.variants.items()]
    languages = [
        {
            "variant": name,
            "language": tag,
            "chunks heard": str(errors.wer.chunks),
            "WER": _percent(errors.wer.rate),
            "CER": _percent(errors.cer.rate),
        }
        for name, row in summary.variants.items()
        for tag, errors in row.by_language.items()
    ]
    return "\n\n".join(_grid(cells, width) for cells in (rows, languages) if cells)


def _grid(rows: list[dict[str, str]], width: int) -> str:
    """Lay out rows of cells under their headings."""
    grid = Table(title=None, pad_edge=False, box=None)
    shown = [head for head in rows[0] if head not in _OPTIONAL or any(row[head] != "-" for row in rows)]
    for head in shown:
        grid.add_column(head, justify="left" if head in _NAMES else "right", no_wrap=True)
    for row in rows:
        grid.add_row(*(row[head] for head in shown))
    console = Console(width=max(width, 160), color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


_NAMES = ("variant", "language")
_OPTIONAL = (
    "clients",
    "requests/s",
    "RTFx together",
    "TTFA p50 (p95)",
    "underruns",
    "RTFx CPU",
    "tokens/chunk",
    "peak memory",
    "speaker sim.",
)


def _cells(name: str, row: VariantSummary, speed: str) -> dict[str, str]:
    rate, stream, first = row.fault_rate, row.streaming, row.streaming.ttfa
    late = "-" if stream.underruns is None else f"{stream.underruns} in {stream.listened}"
    ttfa = "-" if first.p50 is None else f"{first.p50:.2f} s ({first.p95:.2f})"
    return {
        "variant": name,
        "chunks": str(row.chunks),
        "clean": str(row.clean),
        "faulty": str(row.faulty),
        "not judged": str(row.not_judged),
        "fault rate (95%)": f"{_percent(rate.value)} ({_percent(rate.low)}-{_percent(rate.high)})",
        "WER": _percent(row.wer.rate),
        "CER": _percent(row.cer.rate),
        "speaker sim.": _number(row.speaker_similarity.mean, "{:.3f}"),
        "RTFx": _number(row.rtfx.value, speed),
        "clients": str(row.load.clients or "-"),
        "requests/s": _number(row.load.requests_per_second, "{:.2f}"),
        "RTFx together": _number(row.load.audio_per_second, speed),
        "RTFx CPU": _number(row.rtfx.cpu, speed),
        "TTFA p50 (p95)": ttfa,
        "underruns": late,
        "tokens/chunk": _number(row.tokens.mean, "{:.0f}"),
        "peak memory": _number(row.peak_memory_bytes, "{:.0f} MB", 1e-6),
    }


_SMALL = ("too small to say", "chunks are too few")
_NOTHING_ODD = "as a whole within"  # it informs, and there is nothing to tell


def closing_lines(summary: RunSummary) -> list[str]:
    """Return what a stranger asks next.

    That is which faults, how sure, what was not judged and why, who listened, what disk.
    """
    lines = [line for name, row in summary.variants.items() for line in _variant_lines(name, row, summary)]
    lines += _open_claims(summary)
    if not summary.timed:
        lines.append(f"timings are invalid, RTFx in brackets: {summary.timings.reason}")
    heard = summary.recognizer
    if heard.model:
        where = f" on {heard.device} in {heard.compute_type}" if heard.device else ""
        lines.append(f"heard by {heard.engine} {heard.model}{where}; words normalised by {heard.normaliser}")
    lines.append(f"disk: {summary.disk_bytes / 1e6:.1f} MB in this run")
    return [printable_redacted(line) for line in (*lines, *summary.notes)]


def _variant_lines(name: str, row: VariantSummary, summary: RunSummary) -> Iterator[str]:
    if row.faulty:
        classes = ", ".join(f"{fault} {count}" for fault, count in row.faults.items())
        bound = ", ".join(f"{count} to the {what}" for what, count in row.bound_to.items())
        sure = f"{row.confirmed} chunks confirmed, {row.suspected} suspected"
        if row.recorded:
            sure = "recordings cannot be spoken again"
        yield f"{name}: {classes} ({sure}{'; bound: ' + bound if bound else ''})"
    if row.nothing_to_speak:
        yield f"{name}: {row.nothing_to_speak} with nothing to speak, and answered so"
    for reason, count in list(row.not_judged_because.items())[:3]:
        yield f"{name}: {count} not judged: {reason}"
    if row.looped:
        yield f"{name}: recognizer looped in {row.looped} chunks; their words are not judged and not in the WER"
    if row.scoring_lag is not None and summary.timed:
        yield _lag_line(name, row.scoring_lag)
    for claim in row.claims:
        pooled = _small(claim) and len(summary.variants) > 1
        if claim.passed is not True and not pooled and not _nothing_odd(claim):
            yield f"{name}: {claim.name} {'FAILS' if claim.passed is False else 'open'}: {claim.statement}"


def _open_claims(summary: RunSummary) -> list[str]:
    """One line for the claims of several variants that wait for more chunks; a line each would drown the table."""
    open_ones: dict[str, list[str]] = {}
    for name, row in summary.variants.items():
        for claim in row.claims:
            if _small(claim) and not _nothing_odd(claim) and len(summary.variants) > 1:
                open_ones.setdefault(claim.name, []).append(name)
    told = "; ".join(f"{claim} of {', '.join(names)}" for claim, names in open_ones.items())
    return [f"open, too few chunks to say: {told}"] if told else []


def _small(claim: ClaimFigures) -> bool:
    return claim.passed is None and any(words in claim.statement for words in _SMALL)


def _nothing_odd(claim: ClaimFigures) -> bool:
    return claim.passed is None and claim.statement.startswith(_NOTHING_ODD)


def _lag_line(name: str, late: ScoringLag) -> str:
    """How far scoring was behind speaking, and what to do about it."""
    text = f"{name}: scoring was {late.seconds:.0f} s behind when the last chunk was spoken ({late.chunks} waited"
    blocked = f", and requests waited {late.held_up:.0f} s for it" if late.held_up >= 1 else ""
    return f"{text}{blocked}); {late.jobs} scored beside, more with --jobs N"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _number(value: float | None, form: str, scale: float = 1.0) -> str:
    return "-" if value is None else form.format(value * scale)
