"""The judge: evidence held against limits."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from harness.core.records import Detection, DetectorInput, Finding, Relation, UsedLimit, Verdict, VerdictWord
from harness.detectors import catalogue, detect_all
from harness.detectors.readable import readable_value
from harness.verdicts.limits import Bound, FaultLimits, Limits, length_of, pick
from harness.verdicts.this_run import OwnBound
from harness.verdicts.unspoken import nothing_to_speak, verdict_without_words

SHOWN_REASONS = 3

Own: TypeAlias = Mapping[str, OwnBound]  # detector -> what the run's other chunks allow this one


def relate(value: float, reference: Sequence[float], relation: Relation, against: str) -> float:
    """Return ``value`` set against the reference's values (at least one) on one text. Raises ValueError for a ratio
    to 0.
    """
    if relation is Relation.ABSOLUTE:
        return value
    base = max(reference) if against == "worst" else statistics.median(reference)
    if relation is Relation.RATIO:
        if base == 0:
            raise ValueError("the reference's value is 0, there is no ratio to it")
        return value / base
    return abs(value - base) if relation is Relation.DISTANCE else value - base


@dataclass(frozen=True, slots=True)
class _Held:
    """A value beside the limit it was held against."""

    compared: float
    limit: float
    source: str
    detail: str = ""

    @property
    def exceeded(self) -> bool:
        return self.compared > self.limit


class VerdictPolicy:
    """Holds evidence against one set of limits.

    Stateless: a verdict rests on the view, the limits, and what the run's other chunks allow (``own``), once the
    session is over. Without ``own`` it is provisional.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._catalogue = catalogue()

    def observes(self, fault: str) -> tuple[str, ...]:
        """Return the scorers that a class rests on; empty when the attempt itself is enough."""
        return self._catalogue[fault].observes

    def evidence(self, view: DetectorInput) -> list[Detection]:
        """Return what every class of the catalogue sees."""
        return detect_all(view)

    def findings(
        self, view: DetectorInput, evidence: Sequence[Detection], own: Own | None = None
    ) -> tuple[list[Finding], dict[str, str]]:
        """Return every value beyond its limit, also those that follow from another, and why each other could not be
        judged.
        """
        all_findings, unjudged, _ = self._look(view, evidence, own or {})
        return all_findings, unjudged

    def _look(
        self, view: DetectorInput, evidence: Sequence[Detection], own: Own
    ) -> tuple[list[Finding], dict[str, str], list[UsedLimit]]:
        findings: list[Finding] = []
        used: list[UsedLimit] = []
        unjudged: dict[str, str] = {}
        for detection in evidence:
            if not detection.applies:
                continue
            if detection.value is None:
                unjudged[detection.fault] = detection.reason or "no value"
            elif not math.isfinite(detection.value):
                unjudged[detection.fault] = f"its value is {detection.value}"
            else:
                limit_used = self._hold(view, detection, detection.value, own)
                if isinstance(limit_used, str):
                    unjudged[detection.fault] = limit_used
                elif limit_used is not None:
                    used.append(UsedLimit(detection.fault, limit_used.compared, limit_used.limit, limit_used.source))
                    if limit_used.exceeded:
                        findings.append(_finding(detection, limit_used))
        return findings, unjudged, used

    def verdict(self, view: DetectorInput, evidence: Sequence[Detection], own: Own | None = None) -> Verdict:
        """Return faulty with at least one finding; clean only when every class that applies has judged; else not
        judged.

        ``own``: what the run's other chunks allow, empty where there are too few of them; it makes the verdict final.
        """
        findings, unjudged, used = self._look(view, evidence, own or {})
        names, limits, final = tuple(unjudged), tuple(used), own is not None
        if nothing_to_speak(view.chunk):
            return replace(verdict_without_words(view, self._fold(findings)), limits=limits, final=final)
        if findings:
            kept = tuple(self._fold(findings))
            return Verdict(VerdictWord.FAULTY, kept, unjudged=names, limits=limits, final=final)
        if unjudged or not any(detection.applies for detection in evidence):
            why = _reason(unjudged)
            return Verdict(VerdictWord.NOT_JUDGED, reason=why, unjudged=names, limits=limits, final=final)
        return Verdict(VerdictWord.CLEAN, limits=limits, final=final)

    def _hold(self, view: DetectorInput, seen: Detection, value: float, own: Own) -> _Held | str | None:
        """Return the value beside its limit; a string says why it could not be judged; None: nothing to hold it
        against.
        """
        limits = self.limits.faults.get(seen.fault)
        if limits is None:
            return "no limit in the calibration"
        if limits.physics is not None and value > limits.physics:
            return _Held(value, limits.physics, "physics")
        words = length_of(view.chunk)
        voice = pick(limits.voice, words) or pick(limits.prior, words)
        usual = list(view.reference.evidence.get(seen.fault, ())) if view.reference is not None else []
        margin = pick(limits.reference, words)
        why_not = ""
        if usual and margin is not None:
            why_not = _unfit(seen.fault, usual, limits, voice, words)
            if not why_not:
                return _against_reference(seen.fault, value, usual, limits, margin)
        if seen.fault in own and not limits.voice:
            if own[seen.fault].doubt and own[seen.fault].compared(value, limits.relation) <= own[seen.fault].limit:
                return _in_doubt(value, own[seen.fault].doubt, limits, words)
            return _against_run(seen.fault, value, own[seen.fault], limits, why_not)
        if voice is not None:
            compared = voice.compared(value, words, limits.relation)
            if limits.maximum is not None and voice.compared(limits.maximum, words, limits.relation) <= voice.limit:
                return f"healthy speech of {words} words reaches the limit of what can be measured"
            source = f"voice: {voice.source}" if limits.voice else voice.source
            return _Held(compared, voice.limit, source, why_not)
        if limits.physics is not None or limits.relation is Relation.DISTANCE or limits.reference:
            return None  # only physics, or only a reference that is not there, could have spoken
        return "no limit for this voice"

    def _fold(self, found: Sequence[Finding]) -> list[Finding]:
        """Fold findings that follow from another into it, and put the furthest beyond its limit first."""
        names = {finding.fault for finding in found}
        follows = {name for cause in names for name in self._catalogue[cause].explains if name in names}
        kept: list[Finding] = []
        for finding in found:
            if finding.fault in follows:
                continue
            with_it = [name for name in self._catalogue[finding.fault].explains if name in names]
            note = f"with it: {', '.join(with_it)}" if with_it else ""
            kept.append(replace(finding, detail="; ".join(filter(None, (finding.detail, note)))))
        return sorted(kept, key=lambda f: (f.limit - f.value) / max(abs(f.limit), 1e-6))


def _unfit(fault: str, usual: Sequence[float], limits: FaultLimits, voice: Bound | None, words: int) -> str:
    """Why the reference cannot serve on this text (it shows the fault itself), or an empty string."""
    typical = statistics.median(usual)
    beyond = limits.physics is not None and typical > limits.physics
    if voice is not None:
        beyond = beyond or voice.compared(typical, words, limits.relation) > voice.limit
    return f"the reference itself is at {readable_value(fault, typical)} on this text" if beyond else ""


def _against_reference(
    fault: str, value: float, usual: Sequence[float], limits: FaultLimits, margin: Bound
) -> _Held | str:
    try:
        compared = relate(value, usual, limits.relation, limits.against)
    except ValueError as error:
        return str(error)
    if limits.maximum is not None and limits.relation is Relation.EXCESS:
        room = relate(limits.maximum, usual, limits.relation, limits.against)
        if room <= margin.limit:
            typical = readable_value(fault, statistics.median(usual))
            return f"the reference itself is at {typical} on this text, nothing could stand out"
    values = ", ".join(readable_value(fault, v) for v in usual)
    return _Held(compared, margin.limit, margin.source, f"{readable_value(fault, value)} here, reference {values}")


def _against_run(fault: str, value: float, bound: OwnBound, limits: FaultLimits, note: str) -> _Held | str:
    if limits.maximum is not None and bound.compared(limits.maximum, limits.relation) <= bound.limit:
        return "the run's other chunks reach the limit of what can be measured"
    low, high = readable_value(fault, bound.low), readable_value(fault, bound.high)
    usual = f"{readable_value(fault, value)} here, {low} to {high} in the run's other chunks"
    detail = "; ".join(filter(None, (note, usual)))
    return _Held(bound.compared(value, limits.relation), bound.limit, bound.source, detail)


def _in_doubt(value: float, doubt: str, limits: FaultLimits, words: int) -> _Held | str:
    """Hold a value of the worse of two groups against healthy voices; within what they have nobody can judge it."""
    prior = pick(limits.prior, words)
    if prior is None or prior.compared(value, words, limits.relation) <= prior.limit:
        return doubt
    return _Held(prior.compared(value, words, limits.relation), prior.limit, prior.source, doubt)


def _finding(seen: Detection, held: _Held) -> Finding:
    detail = "; ".join(part for part in (seen.detail, held.detail) if part)
    return Finding(seen.fault, held.compared, held.limit, held.source, seen.unit, seen.span, detail)


def _reason(unjudged: dict[str, str]) -> str:
    if not unjudged:
        return "nothing could be looked at"
    by_reason: dict[str, list[str]] = {}
    for fault, reason in unjudged.items():
        by_reason.setdefault(reason, []).append(fault)
    shown = [f"{', '.join(faults)}: {reason}" for reason, faults in list(by_reason.items())[:SHOWN_REASONS]]
    more = len(by_reason) - SHOWN_REASONS
    return "; ".join(shown) + (f"; and {more} more reasons" if more > 0 else "")
