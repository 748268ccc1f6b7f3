"""The first screen in words: a verdict a variant, and the one sentence that matters most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.report.summary import ClaimFigures, RunSummary, VariantSummary
from harness.verdicts.claims.as_whole import INFORMING


class VariantWord(StrEnum):
    """What a run says of a variant, worst first."""

    LOST = "could not run"
    BLIND = "nothing judged"
    FAILS = "fails"
    OPEN = "undecided"
    PASSES = "passes"
    BASE = "reference"
    PART = "see below"


_UNASKED = "the run was not asked whether its figures are good enough"


@dataclass(frozen=True, slots=True)
class Headline:
    """``word`` and the reason in one line."""

    word: VariantWord
    why: str


def headline(name: str, row: VariantSummary, summary: RunSummary) -> Headline:
    """Return the verdict on one variant of ``summary.json``, with what all of its chunks share, where that matters."""
    verdict = _verdict(name, row, summary)
    urgent = [claim.statement for claim in row.claims if claim.name in INFORMING and claim.urgent]
    return Headline(verdict.word, "; ".join([verdict.why, *urgent]))


def _verdict(name: str, row: VariantSummary, summary: RunSummary) -> Headline:
    lost = [note for note in summary.notes if note.startswith(f"{name}: cannot be loaded")]
    if lost:
        return Headline(VariantWord.LOST, lost[0].partition(": ")[2])
    claims = [claim for claim in row.claims if claim.name not in INFORMING]
    experiment = summary.experiment  # judged by its claims, not by the fault rate of a soak
    reference = name == summary.reference
    if experiment and all(claim.passed is None for claim in claims) and (reference or not claims):
        if reference:
            return Headline(VariantWord.BASE, "what the others are compared with")
        return Headline(VariantWord.PART, "one of what the suite compared")
    if not row.judged and row.soaked and not experiment:
        away = [why for why in row.not_judged_because if why.startswith("backend away")]
        if away:
            return Headline(VariantWord.LOST, away[0])
        reasons = ", ".join(f"{why} ({count})" for why, count in row.not_judged_because.items())
        return Headline(VariantWord.BLIND, reasons or "no chunk has a verdict")
    if experiment:
        return by_claims(claims, summary.suite)
    failed = [claim for claim in claims if claim.passed is False]
    if failed:
        return Headline(VariantWord.FAILS, f"{_names(failed)}: {failed[0].statement}")
    small = [claim for claim in claims if claim.passed is None]
    if not claims or any(claim.name == "fault-rate" for claim in small):
        return Headline(VariantWord.OPEN, _too_small(small[0], row) if small else _UNASKED)
    why = f"{row.faulty} of {row.judged} judged chunks are faulty"
    return Headline(VariantWord.PASSES, f"{why}; too small to say: {_names(small)}" if small else why)


def _too_small(claim: ClaimFigures, row: VariantSummary) -> str:
    """Return the fault rate in short where that is what cannot be said; the claim's own words come further down."""
    rate = row.fault_rate
    if claim.name != "fault-rate" or rate.value is None or claim.margin is None:
        return claim.statement
    base = row.against.fault_rate if row.against is not None else None
    margin = f"{claim.margin:.1%} {'above the reference' if base or row.reference else 'of the chunks'}"
    return (
        f"too few chunks: {rate.count} of {rate.total} faulty may stand for {rate.low:.1%} to "
        f"{rate.high:.1%}, and {margin} is allowed"
    )


def by_claims(claims: list[ClaimFigures], suite: str) -> Headline:
    """Return the verdict of an experiment on what its claims are about.

    The claim with the suite's name has to be decided.
    """
    failed = [claim for claim in claims if claim.passed is False]
    small = [claim for claim in claims if claim.passed is None]
    passed = [claim for claim in claims if claim.passed]
    if failed:
        return Headline(VariantWord.FAILS, f"{_names(failed)}: {failed[0].statement}")
    small.sort(key=lambda claim: claim.name != suite)
    if not passed or any(claim.name == suite for claim in small):
        return Headline(VariantWord.OPEN, small[0].statement if small else "no claim was made")
    why = passed[0].statement if len(passed) == 1 else f"{_names(passed)} hold"
    return Headline(VariantWord.PASSES, f"{why}; too small to say: {_names(small)}" if small else why)


def headlines(summary: RunSummary) -> dict[str, Headline]:
    """Return the verdict on every variant, and on what else the claims of an experiment are about."""
    by_variant = {name: headline(name, row, summary) for name, row in summary.variants.items()}
    return by_variant | {name: by_claims(claims, summary.suite) for name, claims in others(summary).items()}


def others(summary: RunSummary) -> dict[str, list[ClaimFigures]]:
    """Return claims about what is no variant of the run (all settings of a sweep, a pair of dumps), by its name."""
    by_class: dict[str, list[ClaimFigures]] = {}
    for claim in summary.other_claims:
        by_class.setdefault(claim.variant, []).append(claim)
    return by_class


def sentence(summary: RunSummary, words: Mapping[str, Headline]) -> str:
    """Return the one sentence that matters most: the worst verdict first, with its figure."""
    words = {
        name: headline for name, headline in words.items() if headline.word not in (VariantWord.BASE, VariantWord.PART)
    }
    if not words:
        return "The run came to no claim."
    order = list(VariantWord)
    worst = min(words.values(), key=lambda headline: order.index(headline.word)).word
    those = [name for name, headline in words.items() if headline.word is worst]
    start = "The run was interrupted. " if summary.status != "finished" else ""
    if worst is VariantWord.PASSES:
        name = max(words, key=lambda name: _rate(summary, name))
        whole = f"Every variant passes ({', '.join(words)})" if len(words) > 1 else f"{name} passes"
        most = "; most faults has " + name if len(words) > 1 and _rate(summary, name) else ""
        return f"{start}{whole}{most}: {words[name].why}."
    verb = {
        VariantWord.LOST: "could not run",
        VariantWord.BLIND: "tells nothing",
        VariantWord.FAILS: "fails",
        VariantWord.OPEN: "is undecided",
    }[worst]
    first = max(those, key=lambda name: _rate(summary, name))
    verbs = ("are", "is") if worst is VariantWord.OPEN else ("do", "does")
    others = f" (as {verbs[len(those) == 2]} {', '.join(n for n in those if n != first)})"
    faults = summary.variants[first].faults if first in summary.variants else {}
    often = f"; most often {next(iter(faults))}" if faults and worst in (VariantWord.FAILS, VariantWord.OPEN) else ""
    return f"{start}{first} {verb}{others if len(those) > 1 else ''}: {words[first].why}{often}."


def _rate(summary: RunSummary, name: str) -> float:
    row = summary.variants.get(name)
    return (row.fault_rate.value or 0.0) if row is not None else 0.0


def _names(claims: list[ClaimFigures]) -> str:
    return ", ".join(claim.name.replace("-", " ") for claim in claims)
