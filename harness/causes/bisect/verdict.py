"""What a bisect came to: the set, what it costs, how it was heard, as sentences, claims and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.causes.bisect.listening import SIGNIFICANT, HeardOutcome, verified_claims, within_margin
from harness.causes.bisect.search import Restored, SearchResult
from harness.causes.bisect.terms import PartTerms
from harness.core.records import Claim, Json


class BisectWord(StrEnum):
    """The answer in a word."""

    NOTHING = "nothing to find"
    RESTORED = "restored"
    NO_SET = "no set restores it"
    UNFINISHED = "the budget ended"


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """A set that a rule of thumb would keep, of no more bytes than the smallest set, and what stays with it."""

    rule: str
    names: Restored
    left: float


@dataclass
class BisectReport:
    """All that one bisect learnt. ``costs``: bytes that restoring a part adds."""

    variant: str
    reference: str
    search: SearchResult
    terms: PartTerms
    costs: Mapping[str, int] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)  # what is wrong with a part as it is stored
    metadata: tuple[str, ...] = ()  # keys that differ
    sizes: Mapping[str, int] = field(default_factory=dict)  # bytes of the two files
    speech_tokens: int = 0
    rules: list[RuleTrial] = field(default_factory=list)
    heard: dict[str, HeardOutcome] = field(default_factory=dict)  # on the texts of the search
    tried: list[tuple[Restored, HeardOutcome]] = field(default_factory=list)  # on the failing texts alone
    worse: float | None = None  # p-value that the variant is heard to be worse; None: nobody listened
    audible: Restored | None = None  # the smallest set that is heard to restore
    verified: dict[str, HeardOutcome] = field(default_factory=dict)  # on texts that the search has not used
    unconfirmed: list[tuple[Restored, dict[str, HeardOutcome]]] = field(default_factory=list)  # smaller sets
    why: str = ""  # the last set that could not be measured could not
    margin: float = 0.02
    unfinished: bool = False
    hybrid: str = ""  # file name of the hybrid that is kept
    line: str = ""  # the command that builds it

    @property
    def inaudible(self) -> bool:
        """Return whether somebody listened and the variant was not heard to be worse."""
        return self.worse is not None and self.worse > SIGNIFICANT

    @property
    def restored(self) -> Restored | None:
        """Return the set of the verdict: the one that is heard to restore, else the one of the arithmetic."""
        return self.audible if self.audible is not None else self.search.chosen

    @property
    def word(self) -> BisectWord:
        """Return the answer in a word."""
        if self.search.nothing and (not self.unfinished or self.search.complete):
            return BisectWord.NOTHING
        if self.search.complete and self.inaudible:
            return BisectWord.NOTHING
        if self.unfinished or not self.search.complete:
            return BisectWord.UNFINISHED
        lost = self.worse is not None and self.audible is None
        return BisectWord.NO_SET if self.search.chosen is None or lost else BisectWord.RESTORED

    @property
    def verification(self) -> bool | None:
        """Return whether the set is within the margin on new texts.

        None where nobody listened or the texts are too few.
        """
        return within_margin(self.verified.get("hybrid"), self.verified.get(self.reference), self.margin)


def megabytes(size: int) -> str:
    """Return "+0.34 MB"."""
    return f"{size / 1e6:+.2f} MB"


def statement(report: BisectReport) -> str:
    """Return the verdict as a sentence or a few."""
    word, search, noun, told = report.word, report.search, report.terms.noun, report.terms.told
    pair = f"{report.variant} against {report.reference}"
    if word is BisectWord.UNFINISHED:
        return f"{pair}: the budget ended before there was an answer: go on with --resume and more minutes"
    if search.nothing:
        return f"{pair}: nothing to find: {report.terms.alike}{_metadata(report)}"
    if search.chosen is None:
        everything = f"with all {len(report.costs)} differing {noun} restored {told(search.everything)} stay"
        if not math.isfinite(search.everything or 0.0) and report.why:
            everything += f" ({report.why})"
        return f"{pair}: no set restores it: of {told(search.before)}, {everything}{_metadata(report)}"
    chosen = report.restored or frozenset()
    left = next((left for names, left in search.candidates if names == chosen), search.after)
    count = f"{len(chosen)} of {len(report.costs)} differing {noun}"
    cost = sum(report.costs.get(name, 0) for name in chosen)
    named = report.terms.named(chosen, report.costs)
    what = f"{named} ({count}, {megabytes(cost)}): {told(search.before)} -> {told(left)}{_rules(report)}"
    if word is BisectWord.NOTHING:
        both = f"{report.heard[report.variant].says()}, the reference {report.heard[report.reference].says()}"
        return f"{pair}: nothing to find in what is heard: {both}; the arithmetic differs mostly in {what}"
    if word is BisectWord.NO_SET:
        return f"{pair}: no set that was tried restores what is heard; the arithmetic is restored by {what}"
    lead = "restored by" if report.verification is not False else "not confirmed on other texts:"
    return f"{pair}: {lead} {what}{_problems(report, chosen)}{_heard(report)}"


def _rules(report: BisectReport) -> str:
    texts = []
    for one in report.rules:
        cost = megabytes(sum(report.costs.get(name, 0) for name in one.names))
        word = "restores it too" if one.left <= report.search.target else "does not restore it"
        texts.append(f"; to keep {one.rule} ({cost}) {word}: {report.terms.told(one.left)}")
    return "".join(texts)


def _metadata(report: BisectReport) -> str:
    return f"; metadata that differ: {', '.join(report.metadata[:6])}" if report.metadata else ""


def _problems(report: BisectReport, chosen: Restored) -> str:
    wrong = [f"{name} {report.problems[name]}" for name in sorted(chosen) if name in report.problems]
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"; {wrong[0]}{more}" if wrong else ""


def _heard(report: BisectReport) -> str:
    if not report.verified:
        return ""
    told = "; ".join(f"{name} {outcome.says()}" for name, outcome in report.verified.items())
    within = {True: "within", False: "beyond", None: "not to be told from"}[report.verification]
    smaller = [f"{len(names)} with {outcomes['hybrid'].says()}" for names, outcomes in report.unconfirmed]
    refused = f"; smaller sets were refused on texts of their own: {'; '.join(smaller)}" if smaller else ""
    return f". On texts that the search has not used: {told}: {within} {report.margin * 100:g} points{refused}"


def bisect_claims(report: BisectReport) -> list[Claim]:
    """Return the claim ``cause`` and, where somebody listened to new texts, ``verified``."""
    word, search = report.word, report.search
    passed = {BisectWord.NO_SET: False, BisectWord.UNFINISHED: None}.get(word, True)
    before = search.before if math.isfinite(search.before) else None
    details: Json = {"word": word.value, "restored": sorted(report.restored or ()), "line": report.line}
    count, target = report.speech_tokens or None, search.target or None
    cause = Claim("cause", report.variant, statement(report), passed, before, None, target, count, details)
    verified = verified_claims(report.variant, report.verified.get("hybrid"), report.verification, report.margin)
    return [cause, *verified]
