"""What the detectors make of the measurements: how many copies were found, by which name, at the right word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Indel

from harness.core.records import Attempt, Chunk, DetectorInput, Finding, Measurement, Status
from harness.detectors import catalogue
from harness.detectors.base import Family
from harness.stats.rates import clopper_pearson
from harness.verdicts import Limits, VerdictPolicy
from tools.words_bench.copies import LANGUAGES, Copy
from tools.words_bench.hearing import read_results

NAMED = {"de": "German", "ja": "Japanese", "ru": "Russian"}
ALIKE = 0.5  # of the letters, of a new word as it was heard
WORDS = frozenset(name for name, fault in catalogue().items() if fault.family is Family.TRANSCRIPT)
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


def table(copies: Sequence[Copy], folder: Path) -> str:
    """Return the counts as a Markdown table, with exact 95% intervals."""
    by_id = {copy.id: copy for copy in copies}
    judge = VerdictPolicy(Limits.default())
    rows: dict[str, list[tuple[Copy, list[Finding], bool]]] = defaultdict(list)
    for line in read_results(folder):
        copy = by_id.get(line["id"])
        if copy is None:
            continue
        view = view_of(copy, line)
        found, unjudged = judge.findings(view, [e for e in judge.evidence(view) if e.fault in WORDS])
        rows[copy.kind].append((copy, found, bool(unjudged)))
    lines = [
        "| what | clips | found | 95% | by name | right word, of those | not judged |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, seen in rows.items():
        alarms = [(copy, found) for copy, found, _ in seen if found]
        named = [(copy, found) for copy, found in alarms if NAMES.get(kind, set()) & {one.fault for one in found}]
        right = sum(any(_tells(copy, one) for one in found) for copy, found in named)
        low, high = clopper_pearson(len(alarms), len(seen))
        unjudged = sum(not_judged for *_, not_judged in seen)
        lines.append(
            f"| {kind} | {len(seen)} | {len(alarms)} | {low:.1%} to {high:.1%} | {len(named)} | {right} | {unjudged} |"
        )
    return "\n".join(lines)


def view_of(copy: Copy, line: dict[str, Any]) -> DetectorInput:
    """Return the view of one measured clip, without a reference."""
    seen = {
        name: Measurement(name, "", Status(one["status"]), one["payload"], one["reason"])
        for name, one in line["seen"].items()
    }
    rate = (seen["signal"].payload or {}).get("sample_rate")
    attempt = Attempt(0, 0, 0, copy.id, "bench", sample_rate=rate, duration=line["seconds"])
    return DetectorInput(Chunk(copy.id, copy.text), attempt, seen)


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
