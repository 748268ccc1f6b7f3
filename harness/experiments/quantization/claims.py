"""One variant against the reference, chunk by chunk under the same seeds, with the reference's own spread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness import stats
from harness.core.records import Claim, Json

NEAR_EMPTY = 0.3  # of the reference's own token count on the same text


@dataclass(frozen=True, slots=True)
class QuantizationRow:
    """One chunk by one variant. Counts and seconds as they are, None where unknown."""

    chunk_id: str
    ok: bool  # gave speech
    tokens: int | None = None
    cap_hit: bool | None = None
    unique: tuple[int, ...] = ()  # a codebook
    entropy: tuple[float, ...] = ()  # bits, a codebook
    errors: int | None = None  # of words
    words: int | None = None
    faulty: bool | None = None
    duration: float | None = None
    wall_seconds: float | None = None
    peak_rss: int | None = None
    divergence: int | None = None  # first speech token that differs from the reference's; None: identical or unknown
    similarity: float | None = None  # cosine of speaker embeddings, to the reference's rendition of the same text
    mel_db: float | None = None
    mos: float | None = None  # predicted, overall, 1 to 5


def quantization_metrics(
    rows: Sequence[QuantizationRow],
    reference: Sequence[QuantizationRow],
    null: Sequence[QuantizationRow] | None = None,
    *,
    seed: int,
    level: float = 0.95,
) -> Json:
    """Every figure of one variant against the reference on the chunks both have; None for what is not known.

    ``null``: the reference spoken with other seeds, against which similarity and log-mel distance are set chunk by
    chunk. Differences and means have two-sided intervals over chunks at ``level``, proportions exact ones.
    """
    base = {row.chunk_id: row for row in reference}
    chance = {row.chunk_id: row for row in null or ()}
    pairs = [(row, base[row.chunk_id]) for row in rows if row.chunk_id in base]
    ratios = [a.tokens / b.tokens for a, b in pairs if a.tokens is not None and b.tokens]
    empty = [near_empty for a, b in pairs if (near_empty := _near_empty(a, b)) is not None]
    lengths = [a.duration / b.duration for a, b in pairs if a.duration is not None and b.duration]
    capped = [row.cap_hit for row in rows if row.cap_hit is not None]
    heard = [(a, b) for a, b in pairs if a.words and b.words and a.errors is not None and b.errors is not None]
    judged = [(a.faulty, b.faulty) for a, b in pairs if a.faulty is not None and b.faulty is not None]
    only = sum(bool(a and not b) for a, b in judged), sum(bool(b and not a) for a, b in judged)
    return {
        "chunks": len(rows),
        "failed": sum(not row.ok for row in rows),
        "token_ratio": _spread(ratios),
        "duration_ratio": _spread(lengths),
        "mean_log_ratio": _mean_log(ratios, seed, level),
        "entropy_difference": _column_differences(pairs, seed, level),
        "near_empty": proportion(sum(empty), len(empty), level),
        "cap_hits": proportion(sum(map(bool, capped)), len(capped), level),
        "unique": _columns([row.unique for row in rows]),
        "entropy_bits": _columns([row.entropy for row in rows]),
        "identical": sum(a.ok and a.divergence is None for a, _ in pairs),
        "first_divergence": _spread([float(a.divergence) for a, _ in pairs if a.divergence is not None]),
        "wer": _wer([a for a, _ in heard]),
        "wer_difference": _difference(heard, seed, level),
        "similarity": _spread([a.similarity for a, _ in pairs if a.similarity is not None]),
        "similarity_mean": _cosine(mean([a.similarity for a, _ in pairs if a.similarity is not None], seed, level)),
        "similarity_loss": _beyond(rows, chance, "similarity", -1.0, seed, level),
        "log_mel_db": _spread([a.mel_db for a, _ in pairs if a.mel_db is not None]),
        "log_mel_excess_db": _beyond(rows, chance, "mel_db", 1.0, seed, level),
        "mos": _spread([row.mos for row in rows if row.mos is not None]),
        "mos_difference": mean(
            [a.mos - b.mos for a, b in pairs if a.mos is not None and b.mos is not None], seed, level
        ),
        "faulty": proportion(sum(bool(a) for a, _ in judged), len(judged), level),
        "mcnemar": {"only_variant": only[0], "only_reference": only[1], "p_value": stats.mcnemar(*only)},
        "rtfx": _rtfx(rows),
        "peak_memory_bytes": max((row.peak_rss for row in rows if row.peak_rss is not None), default=None),
    }


def proportion(count: int, total: int, level: float = 0.95) -> Json:
    """Count, total, share (None of nothing) and exact interval (Clopper-Pearson)."""
    low, high = stats.clopper_pearson(count, total, level)
    return {"count": count, "total": total, "value": count / total if total else None, "low": low, "high": high}


def quantization_claims(name: str, found: Json, null: Json, margins: Mapping[str, Any]) -> list[Claim]:
    """What the figures support, with the reference against itself under other seeds as the yardstick."""
    return [
        _token_count(name, found, null, float(margins["token_ratio_max"])),
        _excess("near-empty", name, found["near_empty"], null["near_empty"], float(margins["excess_max"])),
        _excess("cap-hits", name, found["cap_hits"], null["cap_hits"], float(margins["excess_max"])),
        _excess("faults", name, found["faulty"], null["faulty"], float(margins["excess_max"])),
        _words(name, found["wer_difference"], null["wer_difference"], float(margins["wer_max"])),
        _voice(name, found, null, float(margins["similarity_max"])),
        _mos(name, found["mos_difference"], null["mos_difference"], float(margins["mos_max"])),
    ]


def _near_empty(row: QuantizationRow, base: QuantizationRow) -> bool | None:
    if not row.ok:
        return True
    return row.tokens / base.tokens < NEAR_EMPTY if row.tokens is not None and base.tokens else None


def _spread(values: Sequence[float]) -> Json | None:
    if not values:
        return None
    cuts = np.percentile(np.asarray(values, np.float64), [0, 5, 50, 95, 100])
    names = ("min", "p5", "median", "p95", "max")
    return {"n": len(values), "mean": float(np.mean(values)), **dict(zip(names, map(float, cuts), strict=True))}


def mean(values: Sequence[float], seed: int, level: float = 0.95) -> Json | None:
    """Mean of one value a chunk, in order of speaking, with its interval; None for fewer than 2 values."""
    if len(values) < 2:
        return None
    ones = np.ones(len(values))
    estimate = stats.ratio_difference(values, ones, np.zeros(len(values)), ones, seed=seed, level=level)
    return {"value": estimate.value, "low": estimate.interval[0], "high": estimate.interval[1], "n": estimate.count}


def _cosine(found: Json | None) -> Json | None:
    return None if found is None else {**found, "low": max(found["low"], -1.0), "high": min(found["high"], 1.0)}


def _mean_log(ratios: Sequence[float], seed: int, level: float) -> Json | None:
    """Mean logarithm of the ratios: doubling and halving weigh alike."""
    values = [math.log(ratio) for ratio in ratios if ratio > 0]
    estimate = mean(values, seed, level)
    return None if estimate is None else {**estimate, "p": stats.sign_flip(values, seed=seed)}


def _beyond(
    rows: Sequence[QuantizationRow],
    chance: Mapping[str, QuantizationRow],
    key: str,
    sign: float,
    seed: int,
    level: float,
) -> Json | None:
    """How much worse a figure is than between seeds of the reference, on the same chunks; larger is worse."""
    pairs = [(getattr(row, key), getattr(chance.get(row.chunk_id), key, None)) for row in rows]
    return mean([sign * (a - b) for a, b in pairs if a is not None and b is not None], seed, level)


def _column_differences(
    pairs: Sequence[tuple[QuantizationRow, QuantizationRow]], seed: int, level: float
) -> list[Json | None]:
    """Entropy of each codebook's use less the reference's on the same chunk, bits."""
    both = [(a.entropy, b.entropy) for a, b in pairs if a.entropy and b.entropy]
    books = len(both[0][0]) if both else 0
    return [mean([a[book] - b[book] for a, b in both], seed, level) for book in range(books)]


def _columns(rows: Sequence[Sequence[float]]) -> list[float]:
    full = [row for row in rows if row]
    return [float(np.mean(column)) for column in zip(*full, strict=True)] if full else []


def _wer(rows: Sequence[QuantizationRow]) -> Json:
    errors, words = sum(row.errors or 0 for row in rows), sum(row.words or 0 for row in rows)
    return {"errors": errors, "words": words, "rate": errors / words if words else None, "chunks": len(rows)}


def _difference(heard: Sequence[tuple[QuantizationRow, QuantizationRow]], seed: int, level: float) -> Json | None:
    if len(heard) < 2:
        return None
    columns = [[getattr(row, key) for row in side] for side in zip(*heard, strict=True) for key in ("errors", "words")]
    estimate = stats.ratio_difference(*columns, seed=seed, level=level)
    return {"value": estimate.value, "low": estimate.interval[0], "high": estimate.interval[1], "n": estimate.count}


def _rtfx(rows: Sequence[QuantizationRow]) -> float | None:
    timed = [(row.duration, row.wall_seconds) for row in rows if row.duration and row.wall_seconds]
    return sum(d for d, _ in timed) / sum(c for _, c in timed) if timed else None


# ------------------------------------------------------------------------------------------- claims
def _held(
    name: str, variant: str, statement: str, interval: tuple[float, float], value: float, margin: float, n: int
) -> Claim:
    """Passes when the whole interval is within the margin, fails when all of it is beyond, else too small to say."""
    low, high = interval
    passed = True if high <= margin else False if low > margin else None
    if passed is None:
        statement = f"too small to say against a margin of {margin:g}: {statement}"
    return Claim(name, variant, statement, passed, value, interval, margin, n)


def _none(name: str, variant: str, what: str) -> Claim:
    return Claim(name, variant, f"{what} is not known of enough chunks", None, count=0)


def _token_count(variant: str, found: Json, null: Json, margin: float) -> Claim:
    mean, spread, other = found["mean_log_ratio"], found["token_ratio"], null["token_ratio"]
    if mean is None or spread is None:
        return _none("token-count", variant, "the token count against the reference's")
    low, high = math.exp(mean["low"]), math.exp(mean["high"])
    statement = f"token count is {math.exp(mean['value']):.3f} of the reference's on average ({low:.3f} to {high:.3f})"
    statement += f", single chunks {spread['min']:.2f} to {spread['max']:.2f}, n = {spread['n']}"
    if other is not None and null["mean_log_ratio"] is not None:
        statement += f"; other seeds of the reference: {math.exp(null['mean_log_ratio']['value']):.3f} on average"
        statement += f", {other['min']:.2f} to {other['max']:.2f}"
    answer = stats.equivalence((mean["low"], mean["high"]), math.log1p(margin))
    passed = {stats.Decision.EQUIVALENT: True, stats.Decision.DIFFERENT: False}.get(answer)
    if passed is None:
        statement = f"too small to say against a margin of {margin:.0%}: {statement}"
    return Claim("token-count", variant, statement, passed, math.exp(mean["value"]), (low, high), margin, spread["n"])


def _excess(claim: str, variant: str, found: Json, null: Json, margin: float) -> Claim:
    what = claim.replace("-", " ")
    if not found["total"] or not null["total"]:
        return _none(claim, variant, what)
    interval = stats.rate_difference(found["count"], found["total"], null["count"], null["total"])
    statement = f"{what}: {found['count']} of {found['total']} ({found['low']:.1%} to {found['high']:.1%})"
    statement += f"; the reference with other seeds: {null['count']} of {null['total']}"
    return _held(claim, variant, statement, interval, found["value"], margin, found["total"])


def _words(variant: str, found: Json | None, null: Json | None, margin: float) -> Claim:
    if found is None:
        return _none("wer", variant, "the word error rate")
    statement = f"WER differs by {_signed(found)}, n = {found['n']}{_by_chance(null)}"
    return _held("wer", variant, statement, (found["low"], found["high"]), found["value"], margin, found["n"])


def _voice(variant: str, found: Json, null: Json, margin: float) -> Claim:
    loss, here, chance = found["similarity_loss"], found["similarity"], null["similarity"]
    if loss is None or here is None or chance is None:
        return _none("same-voice", variant, "speaker similarity")
    statement = f"speaker similarity to the reference's own speech is {here['mean']:.3f} on average"
    statement += f", {chance['mean']:.3f} between the reference's own seeds: a loss of {_signed(loss)}, n = {loss['n']}"
    return _held("same-voice", variant, statement, (loss["low"], loss["high"]), loss["value"], margin, loss["n"])


def _mos(variant: str, found: Json | None, null: Json | None, margin: float) -> Claim:
    if found is None:
        statement = "not judged: no predicted MOS of enough chunks; it takes --mos"
        return Claim("mos", variant, statement, None, margin=margin, count=0)
    statement = f"the predicted MOS differs by {_signed(found)}, n = {found['n']}{_by_chance(null)}"
    return _held("mos", variant, statement, (-found["high"], -found["low"]), -found["value"], margin, found["n"])


def _signed(found: Json) -> str:
    return f"{found['value']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"


def _by_chance(null: Json | None) -> str:
    return "" if null is None else f"; between the reference's own seeds {_signed(null)}"
