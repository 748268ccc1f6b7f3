"""Each variant beside its reference, chunk by chunk where both spoke the same text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness import stats
from harness.core.records import Arm
from harness.report.summary import Against, PairedFigure, RateDifference, VariantSummary
from harness.store import Run

_LEVEL = 0.95
_SEED = 0


@dataclass(frozen=True)
class ReferenceStandard:
    """What the reference did: counts over the run, and a value a chunk. ``how`` says where that is from."""

    name: str
    how: str
    faulty: int | None
    judged: int | None
    errors: Mapping[str, tuple[float, float]]  # chunk id -> word errors, words
    tokens: Mapping[str, float]  # chunk id -> speech tokens


def standard_of(run: Run, name: str, rows: Mapping[str, VariantSummary]) -> ReferenceStandard | None:
    """Return the reference of a variant: the variant that ran along, else what the manifest froze of its profile."""
    reference = str(run.manifest.get("references", {}).get(name) or run.reference or "")
    if reference == name:
        return None
    if reference in rows and rows[reference].chunks > rows[reference].not_judged:
        errors, tokens = _spoken(run, reference)
        row = rows[reference]
        return ReferenceStandard(reference, "in this run", row.faulty, row.judged, errors, tokens)
    frozen = run.manifest.get("reference_figures", {}).get(name)
    if not frozen:
        return None
    totals, chunks = frozen["totals"], frozen["chunks"]
    return ReferenceStandard(
        reference or "reference",
        "its committed profile",
        totals.get("faulty") if totals.get("judged") else None,
        totals.get("judged") or None,
        {
            key: (wrong, words)
            for key, one in chunks.items()
            if (words := one.get("words")) and (wrong := one.get("errors")) is not None
        },
        {key: count for key, one in chunks.items() if (count := one.get("tokens"))},
    )


def reference_comparison(run: Run, name: str, rows: Mapping[str, VariantSummary]) -> Against | None:
    """Return differences of ``name`` from its reference with intervals; None without one."""
    standard = standard_of(run, name, rows)
    if standard is None:
        return None
    errors, tokens = _spoken(run, name)
    row = rows[name]
    return Against(
        name=standard.name,
        how=standard.how,
        fault_rate=_rate(row.faulty, row.judged, standard),
        wer=_wer(errors, standard.errors),
        tokens=_ratio(tokens, standard.tokens),
    )


def _spoken(run: Run, name: str) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    ids = {attempt.id: attempt for attempt in run.attempts(variant=name, arm=Arm.SOAK)}
    errors: dict[str, tuple[float, float]] = {}
    for number, measurement in run.all_observations("intelligibility", name):
        wer = measurement.transcript.get("wer")
        if number in ids and wer and wer.get("words"):
            errors[ids[number].chunk_id] = (float(wer["errors"]), float(wer["words"]))
    tokens = {a.chunk_id: float(a.token_count) for a in ids.values() if a.token_count}
    return errors, tokens


def _rate(faulty: int, judged: int, standard: ReferenceStandard) -> RateDifference | None:
    if not judged or standard.judged is None or standard.faulty is None:
        return None
    low, high = stats.rate_difference(faulty, judged, standard.faulty, standard.judged, _LEVEL)
    difference = faulty / judged - standard.faulty / standard.judged
    return RateDifference(value=difference, low=low, high=high, count=standard.faulty, total=standard.judged)


def _wer(mine: Mapping[str, tuple[float, float]], theirs: Mapping[str, tuple[float, float]]) -> PairedFigure | None:
    common = [key for key in mine if key in theirs]
    if not common:
        return None
    pairs = np.array([(*mine[key], *theirs[key]) for key in common])
    if len(common) < 2:
        value = float(pairs[0, 0] / pairs[0, 1] - pairs[0, 2] / pairs[0, 3])
        return PairedFigure(value=value, low=None, high=None, chunks=1)
    estimate = stats.ratio_difference(*pairs.T, seed=_SEED, level=_LEVEL)
    low, high = estimate.interval
    return PairedFigure(value=estimate.value, low=low, high=high, chunks=len(common))


def _ratio(mine: Mapping[str, float], theirs: Mapping[str, float]) -> PairedFigure | None:
    """Median over chunks of tokens divided by the reference's, with a bootstrap interval of the median."""
    ratios = np.array([mine[key] / theirs[key] for key in mine if key in theirs])
    if not ratios.size:
        return None
    value = float(np.median(ratios))
    if ratios.size < 6:
        return PairedFigure(value=value, low=None, high=None, chunks=int(ratios.size))
    rng = np.random.default_rng(_SEED)
    medians = np.median(rng.choice(ratios, (1000, ratios.size)), axis=1)
    low, high = (float(v) for v in np.quantile(medians, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]))
    return PairedFigure(value=value, low=low, high=high, chunks=int(ratios.size))
