"""Drift over a session: values with the effect of the text taken out, tested for trends, steps and jumps."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from harness import stats
from harness.core.records import Claim
from harness.text import count_words
from harness.verdicts.claims.rows import ChunkResult, Margins, Reference

MEASURES = ("loudness_lufs", "speaker_similarity", "wer", "speech_rate", "token_rate", "rtfx")
RATIOS = {"speech_rate", "token_rate", "rtfx"}  # compared as logarithms: changes are relative
UNITS = {"loudness_lufs": " LU", "wer": " errors a word"}


@dataclass(frozen=True)
class DriftEstimate:
    """What one measure does over a session. ``change`` is from its first to its last chunk."""

    measure: str
    count: int
    change: float
    low: float
    high: float
    p_trend: float
    p_step: float
    step_at: int  # position of the first chunk after the largest step
    step: float
    p_jump: float = 1.0
    largest_jump: float = 0.0  # between neighbours
    jump_at: int = 0  # position of the chunk after it
    significant: bool = False  # the trend or the step
    beyond: bool = False
    jumped: bool = False  # the jump is significant and beyond its margin

    @classmethod
    def of_claim(cls, claim: Claim) -> dict[str, DriftEstimate]:
        """Return the estimates that a claim keeps, by measure; empty for any other claim."""
        names = {field.name for field in fields(cls)}
        stored = claim.details.get("measures") if claim.name == "drift" else None
        if not isinstance(stored, Mapping):
            return {}
        rows = {name: {"measure": name, "p_trend": 1.0, "p_step": 1.0, **row} for name, row in stored.items()}
        return {name: cls(**{key: row[key] for key in row if key in names}) for name, row in rows.items()}


def drift(
    variant: str, rows: Sequence[ChunkResult], reference: Reference | None, margins: Margins, *, seed: int = 0
) -> Claim:
    """Return the claim that nothing drifts or jumps.

    Fails for a change that is significant (Holm) and beyond its margin.
    """
    estimates: list[DriftEstimate] = []
    small: dict[str, int] = {}
    for measure in MEASURES:
        series = residuals(rows, reference, measure)
        if len(series) < max(margins.drift_chunks_min, stats.LEAST_SERIES):
            if series:
                small[measure] = len(series)
            continue
        estimates.append(_look(measure, series, margins.level, seed))
    judged = _mark(estimates, margins)
    count = max((d.count for d in judged), default=0)
    details = {"measures": {d.measure: asdict(d) for d in judged}, "too_few": small, "alpha": margins.alpha}
    if not judged:
        most = max(small.values(), default=0)
        statement = f"too small to say whether anything drifts: {most} chunks, {margins.drift_chunks_min} are needed"
        return Claim("drift", variant, statement, None, count=most, details=details)
    gating = [d for d in judged if d.measure not in margins.informs]
    bad = [d for d in gating if (d.significant and d.beyond) or d.jumped]
    worst = min(judged, key=lambda d: min(d.p_trend, d.p_step))
    if bad:
        statement = "; ".join(_sentence(d) for d in bad)
    else:
        names = ", ".join(_name(d.measure) for d in judged)
        statement = f"no drift of {names} beyond its margin over {count} chunks at {margins.alpha:.0%} over all of them"
        told = [d for d in judged if d.significant or d.jumped]
        statement += f"; significant but small or only informing: {'; '.join(map(_sentence, told))}" if told else ""
    return Claim(
        "drift", variant, statement, not bad, worst.change, (worst.low, worst.high), margins.alpha, count, details
    )


def residuals(rows: Sequence[ChunkResult], reference: Reference | None, measure: str) -> list[tuple[int, float]]:
    """Return (position, value with the effect of the text taken out) of one measure, in order.

    The text's effect is the reference's median on the same text; where the reference has none of it, a straight line
    over the logarithm of the text's words, fitted on the run itself.
    """
    raw = [(row, value) for row in rows if (value := _value(row, measure)) is not None]
    expected = [_expected(row, reference, measure) for row, _ in raw]
    pairs = [(row, value, e) for (row, value), e in zip(raw, expected, strict=True) if e is not None]
    if len(pairs) >= 0.8 * len(raw) and pairs:
        return [(row.position, value - e) for row, value, e in pairs]
    return _without_length(raw)


def _without_length(raw: Sequence[tuple[ChunkResult, float]]) -> list[tuple[int, float]]:
    import numpy as np

    if len(raw) < 3:
        return [(row.position, value) for row, value in raw]
    lengths = np.log([max(count_words(row.chunk.expected_text), 1) for row, _ in raw])
    values = np.array([value for _, value in raw])
    centred = lengths - lengths.mean()
    power = float(centred @ centred)
    slope = float(centred @ (values - values.mean())) / power if power > 0 else 0.0
    rest = values - slope * centred
    return [(row.position, float(v)) for (row, _), v in zip(raw, rest, strict=True)]


def _value(row: ChunkResult, measure: str) -> float | None:
    if measure == "wer":
        return row.errors / row.words if row.errors is not None and row.words else None
    value = row.values.get(measure)
    if value is None or not math.isfinite(value):
        return None
    if measure in RATIOS:
        return math.log(value) if value > 0 else None
    return value


def _expected(row: ChunkResult, reference: Reference | None, measure: str) -> float | None:
    record = reference.record(row.chunk) if reference is not None else None
    if record is None:
        return None
    if measure == "wer":
        errors, words = record.figures.get("wer_errors", ()), record.figures.get("wer_words", ())
        return sum(errors) / sum(words) if sum(words) > 0 else None
    values = record.figures.get(measure, ())
    if not values:
        return None
    middle = statistics.median(values)
    if measure in RATIOS:
        return math.log(middle) if middle > 0 else None
    return float(middle)


def _look(measure: str, series: Sequence[tuple[int, float]], level: float, seed: int) -> DriftEstimate:
    positions, values = [p for p, _ in series], [v for _, v in series]
    span = positions[-1] - positions[0]
    slope = stats.theil_sen(values, positions, level)
    trend, step = stats.trend_test(values, seed=seed), stats.step_test(values, seed=seed + 1)
    at, jump = step.where or 0, stats.jump_test(values)
    after = jump.where or 1
    return DriftEstimate(
        measure,
        len(values),
        slope.value * span,
        slope.interval[0] * span,
        slope.interval[1] * span,
        trend.p_value,
        step.p_value,
        positions[at],
        statistics.median(values[at:]) - statistics.median(values[:at]),
        jump.p_value,
        values[after] - values[after - 1],
        positions[after],
    )


def _mark(found: Sequence[DriftEstimate], margins: Margins) -> list[DriftEstimate]:
    """Holm over all measures and tests; a change is beyond when its trend or its step exceeds the margin."""
    gating = [d for d in found if d.measure not in margins.informs]
    family = [(d.measure, kind) for d in gating for kind in ("trend", "step", "jump")]
    family = [(measure, kind) for measure, kind in family if kind != "jump" or measure in margins.jump_max]
    raw = {(d.measure, kind): p for d in found for kind, p in _p_values(d).items()}
    adjusted = dict(zip(family, stats.holm([raw[test] for test in family]), strict=True))
    marked: list[DriftEstimate] = []
    for d in found:
        trend, step, jumps = (
            adjusted.get((d.measure, kind), min(1.0, 3 * value)) for kind, value in _p_values(d).items()
        )
        change = max(abs(d.change), abs(d.step)) > margins.change_max.get(d.measure, 0.0)
        jump = abs(d.largest_jump) > margins.jump_max.get(d.measure, math.inf)
        marked.append(
            replace(
                d,
                significant=min(trend, step) < margins.alpha,
                beyond=change,
                jumped=jump and jumps < margins.alpha,
            )
        )
    return marked


def _p_values(d: DriftEstimate) -> dict[str, float]:
    return {"trend": d.p_trend, "step": d.p_step, "jump": d.p_jump}


def _sentence(d: DriftEstimate) -> str:
    def shown(value: float) -> str:
        if d.measure in RATIOS:
            return f"{math.expm1(value):+.1%}"
        return f"{value:+.3g}{UNITS.get(d.measure, '')}"

    trend = f"{shown(d.change)} over {d.count} chunks ({shown(d.low)} to {shown(d.high)}, p {d.p_trend:.2g})"
    step = f"largest step {shown(d.step)} at chunk {d.step_at} (p {d.p_step:.2g})"
    jump = f"largest jump {shown(d.largest_jump)} at chunk {d.jump_at} (p {d.p_jump:.2g})"
    return f"{_name(d.measure)} {trend}, {step}, {jump}"


def _name(measure: str) -> str:
    return {"wer": "WER", "rtfx": "RTFx", "loudness_lufs": "loudness"}.get(measure, measure.replace("_", " "))
