"""What every fault class saw in one chunk, the limit it was held against, and where that limit came from."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.errors import ConfigError
from harness.core.records import Chunk, Detection, Finding, Relation, UsedLimit
from harness.detectors.readable import finding_phrase, readable_value
from harness.report.material import ReportRow
from harness.store import Run
from harness.verdicts import Limits
from harness.verdicts.limits import Bound, FaultLimits, length_of, pick


@dataclass(frozen=True, slots=True)
class Score:
    """One line of the table. ``limit`` is on the scale of ``value``; None where it cannot be put there."""

    fault: str
    value: float | None
    unit: str
    limit: float | None
    source: str
    says: str
    phrase: str = ""  # value and limit together, where they are differences from the reference

    @property
    def shown(self) -> str:
        """Return the value as the figure that it stands for."""
        return "–" if self.value is None else readable_value(self.fault, self.value, self.unit)

    @property
    def limit_shown(self) -> str:
        """Return the limit on the same terms."""
        return "–" if self.limit is None else readable_value(self.fault, self.limit)


def frozen_limits(run: Run) -> dict[str, Limits]:
    """Return the limits of each variant as the manifest froze them.

    Empty where this version cannot read them any more.
    """
    by_variant = {}
    for name, data in run.manifest["limits"].items():
        try:
            by_variant[str(name)] = Limits.from_json(data)
        except ConfigError:
            continue  # a class that was renamed since: findings carry their own limits, only the others lose theirs
    return by_variant


def judged_scores(run: Run, limits: Limits | None, spoken: ReportRow, text: str) -> list[Score]:
    """Return findings first, then what was within its limits, then what could not look."""
    if spoken.attempt.id is None:
        return []
    by_class = {finding.fault: finding for finding in (spoken.verdict.findings if spoken.verdict is not None else ())}
    used = {one.detector: one for one in (spoken.verdict.limits if spoken.verdict is not None else ())}
    chunk = Chunk(spoken.attempt.chunk_id, text)
    within, unseen = [], []
    for fault, detections in sorted(run.evidence(spoken.attempt.id).items()):
        if fault in by_class or not detections.applies:
            continue
        if detections.value is None:
            unseen.append(Score(fault, None, detections.unit, None, "", f"could not look: {detections.reason}"))
        else:
            limit = limits.faults.get(fault) if limits is not None else None
            within.append(
                _used(detections, detections.value, used[fault], limit)
                if fault in used
                else _within(detections, detections.value, limit, chunk)
            )
    return [*map(_beyond, by_class.values()), *within, *unseen]


def finding_line(finding: Finding) -> str:
    """Return a finding in one line: where it is, its figures, what they were compared with, and how sure it is."""
    where = f" at {finding.span[0]:.2f}-{finding.span[1]:.2f} s" if finding.span is not None else ""
    status = {True: "confirmed", False: "refuted", None: "suspected"}[finding.confirmed]
    bound = f", bound to the {finding.bound_to}" if finding.bound_to else ""
    detail = f"; {finding.detail}" if finding.detail else ""
    return f"{finding.fault}{where}: {finding_phrase(finding)} ({finding.limit_source}); {status}{bound}{detail}"


def _beyond(finding: Finding) -> Score:
    statement = {True: "beyond, confirmed", False: "beyond, but refuted", None: "beyond, suspected"}[finding.confirmed]
    source = finding.limit_source
    return Score(finding.fault, finding.value, finding.unit, finding.limit, source, statement, finding_phrase(finding))


def _used(seen: Detection, value: float, used: UsedLimit, held: FaultLimits | None) -> Score:
    """Return what the verdict itself says that the value was held against."""
    if held is not None and held.relation in (Relation.DISTANCE, Relation.RATIO):
        source = f"{used.value:.3g} {held.relation.value}, at most {used.limit:.3g} ({used.source})"
        return Score(seen.fault, value, seen.unit, None, source, "not beyond a limit")
    return Score(seen.fault, value, seen.unit, used.limit + value - used.value, used.source, "not beyond a limit")


def _within(seen: Detection, value: float, held: FaultLimits | None, chunk: Chunk) -> Score:
    """Return the voice's limit at this length of text, else what there is."""
    limit, source = None, "not recorded"
    words = length_of(chunk)
    if held is not None:
        voice, margin = pick(held.voice, words) or pick(held.prior, words), pick(held.reference, words)
        if voice is not None and held.relation is Relation.DISTANCE:
            source = f"voice: within {voice.limit:.3g} of {value - _signed(value, voice, words):.3g} ({voice.source})"
        elif voice is not None and voice.compared(value, words, held.relation) > voice.limit and margin is not None:
            source = margin.source  # beyond what is usual for the voice, but not beyond the reference on this text
        elif voice is not None:
            limit, source = voice.limit + value - voice.compared(value, words, held.relation), f"voice: {voice.source}"
        elif held.physics is not None:
            limit, source = held.physics, "physics"
        elif margin is not None:
            source = margin.source
    return Score(seen.fault, value, seen.unit, limit, source, "not beyond a limit")


def _signed(value: float, voice: Bound, words: int) -> float:
    return voice.compared(value, words, Relation.ABSOLUTE)
