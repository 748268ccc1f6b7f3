"""Two runs beside each other: figures with differences, then every chunk that one of them has wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from harness.core.errors import ConfigError, nearest
from harness.core.records import Claim, Payloads, VerdictWord
from harness.detectors.readable import finding_phrase
from harness.report.assets import rendered
from harness.report.compare import compare_runs, only
from harness.report.diff import word_diff
from harness.report.digest import Digest, digest_of
from harness.report.gates import Gates
from harness.report.material import ReportRow, read_report_data
from harness.report.summarise import run_summary
from harness.report.summary import VariantSummary
from harness.store import Run

MOST = 200  # chunks of one page


@dataclass(frozen=True)
class ReportSide:
    """One variant of one run: its row of the summary, and its chunks by id."""

    run: Run
    variant: str
    row: VariantSummary
    chunks: Mapping[str, ReportRow]
    texts: Mapping[str, str]
    digest: Digest

    @property
    def name(self) -> str:
        """Return the variant and its run."""
        return f"{self.variant} ({self.run.run_id})"


@dataclass(frozen=True)
class Beside:
    """What two runs give when they are compared: the claims, the texts both spoke, and where the page is."""

    claims: list[Claim]
    common: int
    page: Path


def pairs(first: list[str], second: list[str], asked: str | None = None) -> list[tuple[str, str]]:
    """Return which variants to compare: those of one name, else the one of each. Raises ConfigError where that is not
    plain.

    ``asked``: ``NAME`` of both, or ``NAME=OTHER``.
    """
    if asked is not None:
        mine, _, theirs = asked.partition("=")
        theirs = theirs or mine
        for name, names in ((mine, first), (theirs, second)):
            if name not in names:
                raise ConfigError(f"--variant {asked}: no variant {name!r} in that run{nearest(name, names)}")
        return [(mine, theirs)]
    same = [(name, name) for name in first if name in second]
    if same:
        return same
    if len(first) == len(second) == 1:
        return [(first[0], second[0])]
    raise ConfigError(
        f"the runs have no variant of one name ({', '.join(first)}; {', '.join(second)}): say which with --variant A=B"
    )


def beside(path: Path, other: Path, gates: Gates, asked: str | None = None) -> Beside:
    """Compare two runs and write the page into the first's directory. Raises ConfigError, StoreError."""
    with Run.open(path) as run, Run.open(other) as then:
        named = pairs(run.variant_names, then.variant_names, asked)
        sides = list(
            zip(_sides(run, [mine for mine, _ in named]), _sides(then, [theirs for _, theirs in named]), strict=True)
        )
        common = {key for one, two in sides for key in one.texts if one.texts[key] == two.texts.get(key)}
        if not common:
            raise ConfigError(f"{path.name} and {other.name} have no text in common, so nothing can be compared")
        claims = [claim for one, two in sides for claim in _claims(one, two, common, gates)]
        page = path / f"beside-{then.run_id}.html"
        page.write_text(_page(sides, common, claims, page), encoding="utf-8", errors="backslashreplace")
    return Beside(claims, len(common), page)


def _sides(run: Run, names: Sequence[str]) -> list[ReportSide]:
    """Read some variants of a run, once."""
    summary, material = run_summary(run), read_report_data(run)
    kept = digest_of(run, summary, material)
    rows = {name: {row.attempt.chunk_id: row for row in material.spoken.get(name, ())} for name in names}
    return [
        ReportSide(run, name, summary.variants[name], rows[name], material.texts, only(kept, name)) for name in names
    ]


def _claims(one: ReportSide, two: ReportSide, common: set[str], gates: Gates) -> list[Claim]:
    """Every comparison of the two on the texts that both spoke, under the first's name."""

    def cut(side: ReportSide) -> Digest:
        part = side.digest.variants[side.variant]
        rows = {key: row for key, row in part.chunks.items() if key in common}
        return replace(side.digest, variants={one.variant: replace(part, chunks=rows)})

    return compare_runs(cut(one), replace(cut(two), name=two.name), gates)


def _page(sides: list[tuple[ReportSide, ReportSide]], common: set[str], claims: list[Claim], page: Path) -> str:
    parts = [_part(one, two, common, page) for one, two in sides]
    context = {"parts": parts, "claims": claims, "common": len(common)}
    return rendered("beside.html", context, script="", filters={"told": finding_phrase})


def _part(one: ReportSide, two: ReportSide, common: set[str], page: Path) -> dict[str, object]:
    both = [key for key in one.chunks if key in common and key in two.chunks]
    shown = sorted(
        (key for key in both if _worth(one, two, key)), key=lambda key: _badness(one, two, key), reverse=True
    )
    chunks = [
        {"id": key, "text": one.texts[key], "sides": [_chunk(side, key, page) for side in (one, two)]}
        for key in shown[:MOST]
    ]
    figures = [{"name": side.name, "row": side.row} for side in (one, two)]
    return {"figures": figures, "chunks": chunks, "left": len(shown) - len(chunks), "alike": len(both) - len(shown)}


def _worth(one: ReportSide, two: ReportSide, key: str) -> bool:
    """Whether a listener has something to decide: a chunk that one of the two has not clean."""
    return any(side.chunks[key].word is not VerdictWord.CLEAN for side in (one, two))


def _badness(one: ReportSide, two: ReportSide, key: str) -> tuple[bool, float]:
    """Chunks on which the two differ come first."""
    differ = one.chunks[key].word is not two.chunks[key].word
    return differ, max(side.chunks[key].badness for side in (one, two))


def _chunk(side: ReportSide, key: str, page: Path) -> dict[str, object]:
    spoken = side.chunks[key]
    attempt = spoken.attempt
    heard = Payloads(side.run.observations(attempt.id) if attempt.id is not None else {}).or_empty("intelligibility")
    sound = side.run.path / attempt.audio if attempt.audio is not None else None
    there = sound is not None and sound.is_file()
    return {
        "name": side.name,
        "word": spoken.word.value,
        "reason": spoken.verdict.reason if spoken.verdict is not None else "",
        "findings": spoken.findings,
        "seconds": attempt.duration,
        "url": quote(os.path.relpath(sound, page.parent)) if sound is not None and there else None,
        "words": word_diff(heard) if heard else [],
        "heard": heard.get("text"),
    }
