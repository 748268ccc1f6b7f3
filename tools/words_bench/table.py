"""What the detectors make of the measurements: how many copies were found, by which name, at the right word."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from rapidfuzz.distance import Indel

from harness.core.records import Finding
from harness.stats.rates import clopper_pearson
from tools.words_bench.copies import COUNTS, ENGINES, LANGUAGES, Copy
from tools.words_bench.first_run import FirstRun, view_of
from tools.words_bench.hearing import BenchClip, read_results

NAMED = {"de": "German", "ja": "Japanese", "ru": "Russian"}
ALIKE = 0.5  # of the letters, of a new word as it was heard
NAMES = {
    "one-omitted": {"skipped-words"},
    "two-omitted": {"skipped-words"},
    "one-inserted": {"inserted-words"},
    "two-inserted": {"inserted-words"},
    "one-repeated": {"loop"},
    "two-repeated": {"loop"},
    "last-word": {"truncation"},
    "last-sentence": {"truncation"},
    "number": {"number-misread"},
    **{kind: {"language-switch"} for kind in LANGUAGES},
}


def table(copies: Sequence[Copy], folder: Path, skip: int = 0) -> str:
    """Return the counts as a Markdown table, with exact 95% intervals.

    The clean copies of an engine are a first run; every other copy is held against what its engine's run allows.
    Of the first ``skip`` copies none is counted.
    """
    rows: dict[str, list[tuple[Copy, list[Finding], bool]]] = defaultdict(list)
    counted = {copy.id for copy in copies[skip:]}
    for copy, findings, unjudged in judged(copies, folder, counted):
        rows[copy.kind].append((copy, findings, unjudged))
    lines = [
        "| what | clips | found | 95% | by name | right word, of those | not judged |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in sorted(rows, key=list(COUNTS).index):
        row = rows[kind]
        alarms = [(copy, findings) for copy, findings, _ in row if findings]
        named = [(copy, all_of) for copy, all_of in alarms if NAMES.get(kind, set()) & {one.fault for one in all_of}]
        right = sum(any(_tells(copy, one) for one in all_of) for copy, all_of in named)
        low, high = clopper_pearson(len(alarms), len(row))
        unjudged = sum(not_judged for *_, not_judged in row)
        lines.append(
            f"| {kind} | {len(row)} | {len(alarms)} | {low:.1%} to {high:.1%} | {len(named)} | {right} | {unjudged} |"
        )
    return "\n".join(lines)


def table_by_engine(copies: Sequence[Copy], folder: Path) -> str:
    """Return as a Markdown table, an engine a column: copies found by name of those measured, for clean ones alarms."""
    named: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    for copy, findings, _ in judged(copies, folder, {copy.id for copy in copies}):
        place = copy.kind, copy.engine
        counts[place] += 1
        classes = {one.fault for one in findings}
        named[place] += bool(classes & NAMES[copy.kind] if copy.kind in NAMES else classes)
    lines = ["| what | " + " | ".join(ENGINES) + " |", "|---|" + "---|" * len(ENGINES)]
    for kind in sorted({kind for kind, _ in counts}, key=list(COUNTS).index):
        cells = [f"{named[kind, engine]} of {counts[kind, engine]}" for engine in ENGINES]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def judged(copies: Sequence[Copy], folder: Path, counted: Set[str]) -> Iterator[tuple[Copy, list[Finding], bool]]:
    """Yield each copy of ``counted`` that was measured: its findings by words, and whether a class could not judge."""
    measured = {line["id"]: line for line in read_results(folder)}
    views = {copy.id: view_of(_clip(copy, folder), measured[copy.id]) for copy in copies if copy.id in measured}
    for engine in ENGINES:
        mine = [copy for copy in copies if copy.engine == engine and copy.id in views]
        clean = [copy for copy in mine if copy.kind == "clean"]
        run = FirstRun.of([views[copy.id] for copy in clean])
        for copy, (_, findings) in zip(clean, run.alarms(), strict=True):
            if copy.id in counted:
                yield copy, findings, False
        for copy in mine:
            if copy.kind != "clean" and copy.id in counted:
                yield copy, *run.findings(views[copy.id])


def _clip(copy: Copy, folder: Path) -> BenchClip:
    return BenchClip(copy.id, copy.text, folder / f"{copy.id}.wav")


def _tells(copy: Copy, finding: Finding) -> bool:
    """Whether a finding quotes words that differ, or what a new word sounds like."""
    if finding.fault not in NAMES.get(copy.kind, set()):
        return False
    if copy.kind in LANGUAGES:
        return NAMED[copy.language] in finding.detail
    words, width = copy.text.split(), len(copy.said.split()) - len(copy.text.split())
    if copy.kind.endswith("inserted"):
        wanted = {_plain(word) for word in copy.said.split()[copy.at[0] : copy.at[0] + width]}
    else:
        wanted = {_plain(word) for word in words[slice(*copy.at)]}
    told = {_plain(word) for word in finding.detail.split("(")[0].split()}
    likeness = ALIKE if copy.kind.endswith("inserted") else 1.0
    return any(Indel.normalized_similarity(one, other) >= likeness for one in wanted for other in told)


def _plain(word: str) -> str:
    return "".join(c for c in word.casefold() if c.isalnum())
