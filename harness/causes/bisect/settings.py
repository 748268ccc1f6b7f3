"""Which setting turns the fault on? Settings are exchanged with the reference's, one at a time, then in pairs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from harness.causes.bisect.listening import (
    SIGNIFICANT,
    Ears,
    HeardOutcome,
    compatible_with,
    verified_claims,
    within_margin,
    worse_p_value,
)
from harness.causes.bisect.verdict import BisectWord
from harness.causes.budget import Budget
from harness.core.records import Chunk, Claim, Json, Variant
from harness.experiments.stage import ExperimentRun

MISSING = object()  # a key that one side leaves to the adapter

Keys = tuple[str, ...]


@dataclass
class SettingsReport:
    """All that one bisect of settings learnt. ``differing``: dotted key -> the variant's value and the reference's."""

    variant: str
    reference: str
    differing: Mapping[str, tuple[object, object]]
    margin: float
    heard: dict[str, HeardOutcome] = field(default_factory=dict)  # on the texts of the search
    tried: list[tuple[Keys, HeardOutcome]] = field(default_factory=list)  # on the failing texts alone
    worse: float | None = None  # p-value that the variant is heard to be worse
    cause: Keys | None = None
    verified: dict[str, HeardOutcome] = field(default_factory=dict)
    unfinished: bool = False

    @property
    def word(self) -> BisectWord:
        """Return the answer in a word."""
        if self.unfinished or self.worse is None:
            return BisectWord.UNFINISHED
        if self.worse > SIGNIFICANT:
            return BisectWord.NOTHING
        return BisectWord.RESTORED if self.cause is not None else BisectWord.NO_SET

    @property
    def verification(self) -> bool | None:
        """Return whether the cause put right is within the margin on new texts; None where nothing new was judged."""
        return within_margin(self.verified.get("restored"), self.verified.get(self.reference), self.margin)


class SettingsBisect:
    """The steps of one bisect of settings, each leaving what it learnt in ``report``."""

    def __init__(
        self, stage: ExperimentRun, variant: Variant, reference: Variant, report: SettingsReport, budget: Budget
    ) -> None:
        self._variant, self._reference, self.report = variant, reference, report
        self._ears = Ears(stage, budget)

    def carry_out(self, searched: Collection[Chunk], fresh: Collection[Chunk]) -> None:
        """Hear both, put settings right on the failing texts, and verify on others. Raises BudgetSpent."""
        report = self.report
        voices = (self._reference, self._variant)
        self._ears.hear_into(report.heard, voices, "search", list(searched))
        variant, reference = report.heard[self._variant.name], report.heard[self._reference.name]
        report.worse = worse_p_value(variant, reference)
        if report.worse > SIGNIFICANT:
            return
        failing = [chunk for chunk in searched if variant.faulty.get(chunk.id)]
        rate = reference.rate + report.margin
        report.cause = search_settings(list(report.differing), lambda keys: self._try(keys, failing), rate)
        if report.cause is not None and fresh:
            self._ears.hear_into(report.verified, voices, "verify", list(fresh))
            report.verified["restored"] = self._hear(report.cause, "verify", list(fresh))

    def _try(self, keys: Keys, failing: list[Chunk]) -> HeardOutcome:
        outcome = self._hear(keys, "failing", failing)
        self.report.tried.append((keys, outcome))
        return outcome

    def _hear(self, keys: Keys, arm: str, chunks: list[Chunk]) -> HeardOutcome:
        name = f"{self._variant.name}+{self._reference.name}:{','.join(keys)}"
        settings = with_settings_of(self._variant.settings, self._reference.settings, keys)
        voice = replace(self._variant, name=name, settings=settings, reference=False)
        return self._ears.hear(voice, arm, chunks, self._variant)


def search_settings(keys: Sequence[str], trial: Callable[[Keys], HeardOutcome], rate: float) -> Keys | None:
    """Return what has to be put right: the single setting with the fewest faults that is compatible with ``rate``.

    Else the first such pair, the likeliest first, else all of them together; None where not even these restore.
    """
    singles = {(key,): trial((key,)) for key in keys}
    good = [one for one, outcome in singles.items() if compatible_with(outcome, rate)]
    if good:
        return min(good, key=lambda one: singles[one].count)
    pairs = sorted(combinations(keys, 2), key=lambda pair: sum(singles[(key,)].count for key in pair))
    larger: list[Keys] = [*pairs, *([tuple(keys)] if len(keys) > 2 else [])]
    return next((one for one in larger if compatible_with(trial(one), rate)), None)


def differing_settings(
    variant: Mapping[str, object], reference: Mapping[str, object], leave: Collection[str] = ()
) -> dict[str, tuple[object, object]]:
    """Return dotted key -> both values, for all settings that differ; tables are looked into, lists are not."""
    differing: dict[str, tuple[object, object]] = {}
    for key in sorted({*variant, *reference} - set(leave)):
        own, other = variant.get(key, MISSING), reference.get(key, MISSING)
        if isinstance(own, Mapping) and isinstance(other, Mapping):
            differing |= {f"{key}.{inner}": pair for inner, pair in differing_settings(own, other).items()}
        elif own is not other and own != other:
            differing[key] = (own, other)
    return differing


def with_settings_of(variant: Mapping[str, object], reference: Mapping[str, object], keys: Keys) -> dict[str, object]:
    """Return the variant's settings with these dotted keys as the reference has them, or without them."""
    settings = dict(variant)
    for key in keys:
        first, _, rest = key.partition(".")
        if rest:
            own, other = settings.get(first), reference.get(first)
            assert isinstance(own, Mapping)  # dotted keys are of tables that both have
            assert isinstance(other, Mapping)
            settings[first] = with_settings_of(own, other, (rest,))
        elif first in reference:
            settings[first] = reference[first]
        else:
            settings.pop(first, None)
    return settings


def settings_statement(report: SettingsReport) -> str:
    """Return the verdict as a sentence or two."""
    pair, word = f"{report.variant} against {report.reference}", report.word
    if word is BisectWord.UNFINISHED:
        return f"{pair}: the budget ended before there was an answer: go on with --resume and more minutes"
    both = "; ".join(f"{name} {outcome.says()}" for name, outcome in report.heard.items())
    differing = ", ".join(report.differing)
    if word is BisectWord.NOTHING:
        return f"{pair}: nothing to find in what is heard: {both}; settings that differ: {differing}"
    if report.cause is None:
        return f"{pair}: no setting restores it ({differing}), nor all of them together; {both}"
    told = " and ".join(f"{key} ({_value(report.differing[key])})" for key in report.cause)
    outcome = next(outcome for keys, outcome in report.tried if keys == report.cause)
    text = f"{pair}: the fault is turned on by {told}: put right, {outcome.says()} of the texts that failed"
    if report.verified:
        row = "; ".join(f"{name} {one.says()}" for name, one in report.verified.items())
        text += f". On texts that the search has not used: {row}"
    return text


def _value(pair: tuple[object, object]) -> str:
    own, other = ("not set" if value is MISSING else repr(value) for value in pair)
    return f"{own}, the reference's {other}"


def settings_claims(report: SettingsReport) -> list[Claim]:
    """Return the claim ``cause`` and, where new texts were heard, ``verified``."""
    word = report.word
    passed = {BisectWord.NO_SET: False, BisectWord.UNFINISHED: None}.get(word, True)
    details: Json = {"word": word.value, "restored": list(report.cause or ())}
    cause = Claim("cause", report.variant, settings_statement(report), passed, details=details)
    verified = verified_claims(report.variant, report.verified.get("restored"), report.verification, report.margin)
    return [cause, *verified]


def settings_results(report: SettingsReport) -> Json:
    """Return everything as plain JSON."""
    return {
        "variant": report.variant,
        "reference": report.reference,
        "word": report.word.value,
        "statement": settings_statement(report),
        "restored": list(report.cause or ()),
        "differing": {key: _value(pair) for key, pair in report.differing.items()},
        "worse_p_value": report.worse,
        "heard": {name: one.to_json() for name, one in report.heard.items()},
        "tried": [{"restored": list(keys), **one.to_json()} for keys, one in report.tried],
        "verified": {name: one.to_json() for name, one in report.verified.items()},
        "within_margin": report.verification,
    }
