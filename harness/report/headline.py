"""The first screen in words: a verdict a variant, and the one sentence that matters most (layer 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.types import Json


class Word(StrEnum):
    """What a run says of a variant, worst first."""

    LOST = "could not run"
    BLIND = "nothing judged"
    FAILS = "fails"
    OPEN = "undecided"
    PASSES = "passes"


@dataclass(frozen=True, slots=True)
class Headline:
    """``word`` and the reason in one line."""

    word: Word
    why: str


def headline(name: str, row: Json, summary: Json) -> Headline:
    """The verdict on one variant of ``summary.json``."""
    lost = [note for note in summary["notes"] if note.startswith(f"{name}: cannot be loaded")]
    if lost:
        return Headline(Word.LOST, lost[0].partition(": ")[2])
    judged = row["clean"] + row["faulty"]
    if not judged:
        reasons = ", ".join(f"{why} ({count})" for why, count in row["not_judged_because"].items())
        return Headline(Word.BLIND, reasons or "no chunk has a verdict")
    claims = row["claims"]
    failed = [claim for claim in claims if claim["passed"] is False]
    if failed:
        return Headline(Word.FAILS, f"{_names(failed)}: {failed[0]['statement']}")
    small = [claim for claim in claims if claim["passed"] is None]
    if not claims or any(claim["name"] == "fault-rate" for claim in small):
        why = small[0]["statement"] if small else "the run was not asked whether its figures are good enough"
        return Headline(Word.OPEN, why)
    why = f"{row['faulty']} of {judged} judged chunks are faulty"
    return Headline(Word.PASSES, f"{why}; too small to say: {_names(small)}" if small else why)


def headlines(summary: Json) -> dict[str, Headline]:
    """The verdict on every variant."""
    return {name: headline(name, row, summary) for name, row in summary["variants"].items()}


def sentence(summary: Json, words: Mapping[str, Headline]) -> str:
    """The one sentence that matters most: the worst verdict first, with its figure."""
    if not words:
        return "The run has no variant."
    order = list(Word)
    worst = min(words.values(), key=lambda found: order.index(found.word)).word
    those = [name for name, found in words.items() if found.word is worst]
    start = "The run was interrupted. " if summary["status"] != "finished" else ""
    if worst is Word.PASSES:
        name = max(words, key=lambda name: summary["variants"][name]["fault_rate"]["value"] or 0.0)
        whole = f"Every variant passes ({', '.join(words)})" if len(words) > 1 else f"{name} passes"
        most = "; most faults has " + name if len(words) > 1 else ""
        return f"{start}{whole}{most}: {words[name].why}."
    verb = {
        Word.LOST: "could not run",
        Word.BLIND: "tells nothing, no chunk was judged",
        Word.FAILS: "fails",
        Word.OPEN: "is undecided",
    }[worst]
    first = max(those, key=lambda name: summary["variants"][name]["fault_rate"]["value"] or 0.0)
    others = f" (as {'do' if len(those) > 2 else 'does'} {', '.join(n for n in those if n != first)})"
    faults = summary["variants"][first]["faults"]
    often = f"; most often {next(iter(faults))}" if faults and worst in (Word.FAILS, Word.OPEN) else ""
    return f"{start}{first} {verb}{others if len(those) > 1 else ''}: {words[first].why}{often}."


def _names(claims: list[Json]) -> str:
    return ", ".join(claim["name"].replace("-", " ") for claim in claims)
