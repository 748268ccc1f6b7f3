"""What a whole run supports, with counts and intervals, and what it is too small to support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from harness import stats
from harness.core.records import Claim, Json
from harness.stats import Stop
from harness.verdicts.claims.drift import drift
from harness.verdicts.claims.early import Stopped
from harness.verdicts.claims.rows import ChunkResult, Margins, Reference
from harness.verdicts.profile.stored import ProfileTotals

FLOORS = 5  # parts of a stretch whose low-water marks a leak raises, each above the one before


def stress_claims(
    variant: str,
    rows: Sequence[ChunkResult],
    reference: Reference | None,
    margins: Mapping[str, object],
    *,
    seed: int = 0,
    stopped: Stopped | None = None,
) -> list[Claim]:
    """Return the claims ``fault-rate``, ``judged-share``, ``drift`` and ``memory`` about one variant.

    ``rows`` hold every selected chunk, also those never spoken; where a sequential test ``stopped`` the run, only those
    up to there. Raises ConfigError for unknown keys in ``margins``.
    """
    checked = Margins.read(margins)
    ordered = sorted(rows, key=lambda row: row.position)
    rate = fault_rate(variant, ordered, reference, checked)
    return [
        rate if stopped is None else stopped_rate(rate, stopped),
        judged_share(variant, ordered, checked),
        drift(variant, ordered, reference, checked, seed=seed),
        memory(variant, ordered, checked),
    ]


def fault_rate(variant: str, rows: Sequence[ChunkResult], reference: Reference | None, margins: Margins) -> Claim:
    """Hold faulty chunks against the reference's own share, or an absolute one where there is no reference."""
    judged, faulty = sum(r.judged for r in rows), sum(r.faulty for r in rows)
    interval = stats.clopper_pearson(faulty, judged, margins.level)
    totals = reference.totals if reference is not None else ProfileTotals()
    faulty0, judged0 = totals.get("faulty", 0), totals.get("judged", 0)
    details: Json = {"faulty": faulty, "judged": judged, "reference_faulty": faulty0, "reference_judged": judged0}
    share = f"{faulty} of {judged} chunks are faulty ({_rates(interval)} with {margins.level:.0%} confidence)"
    if judged0:
        difference = stats.rate_difference(faulty, judged, faulty0, judged0, margins.level)
        margin, what = margins.excess_max, f"the reference's {faulty0} of {judged0}"
    else:
        difference, margin, what = interval, margins.absolute_max, f"a share of {margins.absolute_max:.1%}"
    details["compared"] = list(difference)
    details["bursts_p"] = bursts = stats.bursts([row.faulty for row in rows if row.judged], seed=0)
    if bursts < margins.alpha:
        share += f"; faults lie next to each other (p {bursts:.2g}), so the interval is too narrow"
    if judged == 0:
        return _claim("fault-rate", variant, "nothing was judged, so nothing is known of the fault rate", False, margin)
    if difference[0] > margin:
        passed, statement = False, f"{share}, more than {what} allows"
    elif difference[1] <= margin:
        passed, statement = (
            True,
            f"{share}, within {margin:.1%} of {what}" if judged0 else f"{share}, below {margin:.1%}",
        )
    else:
        passed = None
        statement = f"too small to say whether the rate is within the margin of {margin:.1%} against {what}: {share}; "
        statement += stats.compatible(faulty, judged, margins.level)
    return Claim("fault-rate", variant, statement, passed, faulty / judged, interval, margin, judged, details)


def stopped_rate(rate: Claim, stopped: Stopped) -> Claim:
    """Return the claim ``fault-rate`` of a run that a sequential test stopped: the test's answer, not the fixed
    interval's.

    Intervals for a fixed number of chunks do not keep their level where the data said when to stop.
    """
    statement = f"{stopped.sentence()}; {rate.count} chunks were spoken and judged in all"
    details = {**rate.details, "stopped": stopped.to_json()}
    passed = stopped.answer is Stop.GOOD
    return Claim("fault-rate", rate.variant, statement, passed, rate.value, None, stopped.test.bad, rate.count, details)


def judged_share(variant: str, rows: Sequence[ChunkResult], margins: Margins) -> Claim:
    """Return the share of the selected chunks with a verdict of clean or faulty.

    A statement about this run, not a sample.
    """
    unspoken = sum(r.unspoken for r in rows)
    judged, total = sum(r.judged for r in rows), len(rows) - unspoken
    reasons: dict[str, int] = {}
    for row in rows:
        if not row.judged and not row.unspoken:
            reason = row.verdict.reason if row.verdict is not None else "never spoken or never judged"
            reasons[reason] = reasons.get(reason, 0) + 1
    if total == 0 or judged == 0:
        return _claim("judged-share", variant, f"0 of {total} chunks could be judged", False, margins.share_min, 0.0)
    share = judged / total
    statement = f"{judged} of {total} chunks were judged ({share:.1%}, at least {margins.share_min:.0%} are needed)"
    if reasons:
        most = max(reasons, key=lambda reason: reasons[reason])
        statement += f"; {reasons[most]} were not because: {most}"
    if unspoken:
        statement += f"; {unspoken} more hold nothing to speak"
    return Claim(
        "judged-share",
        variant,
        statement,
        share >= margins.share_min,
        share,
        stats.clopper_pearson(judged, total, margins.level),
        margins.share_min,
        total,
        {
            "judged": judged,
            "nothing_to_speak": unspoken,
            "reasons": dict(sorted(reasons.items(), key=lambda item: -item[1])[:10]),
        },
    )


def memory(variant: str, rows: Sequence[ChunkResult], margins: Margins) -> Claim:
    """Return the Theil-Sen slope of the backend's memory over the longest stretch without a restart, after its warm-up.

    A leak raises the low-water mark, too. An allocator that gives memory back late makes slopes of half a megabyte a
    chunk over 80 chunks and none over 300; its low-water mark comes down again in between.
    """
    epochs: dict[int | None, list[tuple[int, float]]] = {}
    for row in rows:
        if "rss_bytes" in row.values:
            epochs.setdefault(row.epoch, []).append((row.position, row.values["rss_bytes"]))
    longest = max(epochs.values(), key=len, default=[])[margins.warm_up :]
    if not epochs:
        return _claim("memory", variant, "the backend's memory could not be read", None, margins.slope_max_bytes)
    if len(longest) < max(margins.memory_chunks_min, 3):
        statement = (
            f"too small to say whether memory grows: {len(longest)} chunks after a warm-up of {margins.warm_up} "
            f"without a restart, {margins.memory_chunks_min} are needed"
        )
        return _claim("memory", variant, statement, None, margins.slope_max_bytes)
    estimate = stats.theil_sen([v for _, v in longest], [p for p, _ in longest], margins.level)
    low, high = estimate.interval
    statement = (
        f"memory changes by {_bytes(estimate.value)} a chunk ({_bytes(low)} to {_bytes(high)}, {estimate.n} chunks)"
    )
    floors = [min(part) for part in _parts([v for _, v in longest], FLOORS)]
    passed, verdict = _growth(low, high, margins.slope_max_bytes, floors)
    statement += f", {verdict} the margin of {_bytes(margins.slope_max_bytes)}"
    details = {"low_water": floors, "first_bytes": longest[0][1], "last_bytes": longest[-1][1], "epochs": len(epochs)}
    value, most = estimate.value, margins.slope_max_bytes
    return Claim("memory", variant, statement, passed, value, estimate.interval, most, estimate.n, details)


def _growth(low: float, high: float, most: float, floors: Sequence[float]) -> tuple[bool | None, str]:
    """Whether an interval of the slope is within its margin, and in words; ``floors``: low-water marks in order."""
    if high <= most:
        return True, "within"
    if low <= most:
        return None, "too uncertain to hold against"
    if all(after > before for before, after in pairwise(floors)):
        return False, "more than"
    marks = ", ".join(map(_bytes, floors))
    return None, f"but its low-water mark comes down again in between ({marks}): too short a run to hold it against"


def _parts(values: Sequence[float], count: int) -> list[Sequence[float]]:
    """``values`` in ``count`` neighbouring parts of nearly one length."""
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    return [values[a:b] for a, b in pairwise(edges)]


def _claim(name: str, variant: str, says: str, passed: bool | None, margin: float, value: float | None = None) -> Claim:
    return Claim(name, variant, says, passed, value, None, margin, 0)


def _rates(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}"


def _bytes(value: float) -> str:
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} bytes"
