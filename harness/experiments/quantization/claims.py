"""One variant against the reference, chunk by chunk under the same seeds, with the reference's own spread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness import stats
from harness.core.records import Claim
from harness.experiments.divergence import Divergence
from harness.report.summary import WordErrors
from harness.stats import Estimate, Proportion, Spread, mean, proportion, spread

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


@dataclass(frozen=True, slots=True)
class QuantizationMargins:
    """Margins of the claims and how many chunks the costly figures take, from ``[quantization]`` of the limits file."""

    token_ratio_max: float = 0.05
    excess_max: float = 0.05
    wer_max: float = 0.05
    similarity_max: float = 0.03
    mos_max: float = 0.1
    mel_chunks: int = 25
    divergence_max: float = 0.05
    divergence_chunks: int = 25


@dataclass(frozen=True, slots=True)
class McNemar:
    """Chunks that only one of the two has faulty, with the exact two-sided p-value."""

    only_variant: int
    only_reference: int
    p_value: float


@dataclass(frozen=True, slots=True)
class QuantizationMetrics:
    """Every figure of one variant against the reference on the chunks both have; None for what is not known.

    Ratios and differences are to the reference on the same chunk. ``similarity_loss`` and ``log_mel_excess_db`` are
    beyond what other seeds of the reference differ by. Intervals are two-sided over chunks, exact for proportions.
    """

    chunks: int
    failed: int
    token_ratio: Spread | None
    duration_ratio: Spread | None
    mean_log_ratio: Estimate | None  # of token counts: doubling and halving weigh alike
    entropy_difference: Sequence[Estimate | None]  # bits, a codebook
    near_empty: Proportion
    cap_hits: Proportion
    unique: Sequence[float]  # codes a chunk, a codebook
    entropy_bits: Sequence[float]
    identical: int
    first_divergence: Spread | None
    wer: WordErrors
    wer_difference: Estimate | None
    similarity: Spread | None
    similarity_mean: Estimate | None
    similarity_loss: Estimate | None
    log_mel_db: Spread | None
    log_mel_excess_db: Estimate | None
    mos: Spread | None
    mos_difference: Estimate | None
    faulty: Proportion
    mcnemar: McNemar
    rtfx: float | None
    peak_memory_bytes: int | None
    model_bytes: int | None = None
    divergence: Divergence | None = None  # teacher-forced
    mean_log_ratio_p: float | None = None  # that it is 0, by flipping signs


def quantization_metrics(
    rows: Sequence[QuantizationRow],
    reference: Sequence[QuantizationRow],
    null: Sequence[QuantizationRow] | None = None,
    *,
    seed: int,
    level: float = 0.95,
) -> QuantizationMetrics:
    """Return every figure of one variant against the reference on the chunks both have.

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
    alike = [a.similarity for a, _ in pairs if a.similarity is not None]
    better = [a.mos - b.mos for a, b in pairs if a.mos is not None and b.mos is not None]
    logs = [math.log(ratio) for ratio in ratios if ratio > 0]
    mean_log = mean(logs, seed, level)
    return QuantizationMetrics(
        chunks=len(rows),
        failed=sum(not row.ok for row in rows),
        token_ratio=spread(ratios),
        duration_ratio=spread(lengths),
        mean_log_ratio=mean_log,
        mean_log_ratio_p=stats.sign_flip(logs, seed=seed) if mean_log is not None else None,
        entropy_difference=_column_differences(pairs, seed, level),
        near_empty=proportion(sum(empty), len(empty), level),
        cap_hits=proportion(sum(map(bool, capped)), len(capped), level),
        unique=_columns([row.unique for row in rows]),
        entropy_bits=_columns([row.entropy for row in rows]),
        identical=sum(a.ok and a.divergence is None for a, _ in pairs),
        first_divergence=spread([float(a.divergence) for a, _ in pairs if a.divergence is not None]),
        wer=_wer([a for a, _ in heard]),
        wer_difference=_difference(heard, seed, level),
        similarity=spread(alike),
        similarity_mean=_cosine(mean(alike, seed, level)),
        similarity_loss=_beyond(rows, chance, "similarity", -1.0, seed, level),
        log_mel_db=spread([a.mel_db for a, _ in pairs if a.mel_db is not None]),
        log_mel_excess_db=_beyond(rows, chance, "mel_db", 1.0, seed, level),
        mos=spread([row.mos for row in rows if row.mos is not None]),
        mos_difference=mean(better, seed, level),
        faulty=proportion(sum(bool(a) for a, _ in judged), len(judged), level),
        mcnemar=McNemar(*only, stats.mcnemar(*only)),
        rtfx=_rtfx(rows),
        peak_memory_bytes=max((row.peak_rss for row in rows if row.peak_rss is not None), default=None),
    )


def quantization_claims(
    name: str, seen: QuantizationMetrics, null: QuantizationMetrics, margins: QuantizationMargins
) -> list[Claim]:
    """Return what the figures support, with the reference against itself under other seeds as the yardstick."""
    return [
        _token_count(name, seen, null, margins.token_ratio_max),
        _excess("near-empty", name, seen.near_empty, null.near_empty, margins.excess_max),
        _excess("cap-hits", name, seen.cap_hits, null.cap_hits, margins.excess_max),
        _excess("faults", name, seen.faulty, null.faulty, margins.excess_max),
        _words(name, seen.wer_difference, null.wer_difference, margins.wer_max),
        _voice(name, seen, null, margins.similarity_max),
        _mos(name, seen.mos_difference, null.mos_difference, margins.mos_max),
    ]


def _near_empty(row: QuantizationRow, base: QuantizationRow) -> bool | None:
    if not row.ok:
        return True
    return row.tokens / base.tokens < NEAR_EMPTY if row.tokens is not None and base.tokens else None


def _cosine(seen: Estimate | None) -> Estimate | None:
    return None if seen is None else replace(seen, low=max(seen.low, -1.0), high=min(seen.high, 1.0))


def _beyond(
    rows: Sequence[QuantizationRow],
    chance: Mapping[str, QuantizationRow],
    key: str,
    sign: float,
    seed: int,
    level: float,
) -> Estimate | None:
    """How much worse a figure is than between seeds of the reference, on the same chunks; larger is worse."""
    pairs = [(getattr(row, key), getattr(chance.get(row.chunk_id), key, None)) for row in rows]
    return mean([sign * (a - b) for a, b in pairs if a is not None and b is not None], seed, level)


def _column_differences(
    pairs: Sequence[tuple[QuantizationRow, QuantizationRow]], seed: int, level: float
) -> list[Estimate | None]:
    """Entropy of each codebook's use less the reference's on the same chunk, bits."""
    both = [(a.entropy, b.entropy) for a, b in pairs if a.entropy and b.entropy]
    books = len(both[0][0]) if both else 0
    return [mean([a[book] - b[book] for a, b in both], seed, level) for book in range(books)]


def _columns(rows: Sequence[Sequence[float]]) -> list[float]:
    full = [row for row in rows if row]
    return [float(np.mean(column)) for column in zip(*full, strict=True)] if full else []


def _wer(rows: Sequence[QuantizationRow]) -> WordErrors:
    errors, words = sum(row.errors or 0 for row in rows), sum(row.words or 0 for row in rows)
    return WordErrors(errors=errors, words=words, rate=errors / words if words else None, chunks=len(rows))


def _difference(heard: Sequence[tuple[QuantizationRow, QuantizationRow]], seed: int, level: float) -> Estimate | None:
    if len(heard) < 2:
        return None
    columns = [[getattr(row, key) for row in side] for side in zip(*heard, strict=True) for key in ("errors", "words")]
    return stats.ratio_difference(*columns, seed=seed, level=level)


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


def _token_count(variant: str, seen: QuantizationMetrics, null: QuantizationMetrics, margin: float) -> Claim:
    average, lengths, other = seen.mean_log_ratio, seen.token_ratio, null.token_ratio
    if average is None or lengths is None:
        return _none("token-count", variant, "the token count against the reference's")
    ratio, low, high = (math.exp(value) for value in (average.value, average.low, average.high))
    statement = f"token count is {ratio:.3f} of the reference's on average ({low:.3f} to {high:.3f})"
    statement += f", single chunks {lengths.min:.2f} to {lengths.max:.2f}, n = {lengths.n}"
    if other is not None and null.mean_log_ratio is not None:
        statement += f"; other seeds of the reference: {math.exp(null.mean_log_ratio.value):.3f} on average"
        statement += f", {other.min:.2f} to {other.max:.2f}"
    answer = stats.equivalence(average.interval, math.log1p(margin))
    passed = {stats.Decision.EQUIVALENT: True, stats.Decision.DIFFERENT: False}.get(answer)
    if passed is None:
        statement = f"too small to say against a margin of {margin:.0%}: {statement}"
    return Claim("token-count", variant, statement, passed, ratio, (low, high), margin, lengths.n)


def _excess(claim: str, variant: str, seen: Proportion, null: Proportion, margin: float) -> Claim:
    what = claim.replace("-", " ")
    if seen.value is None or not null.total:
        return _none(claim, variant, what)
    interval = stats.rate_difference(seen.count, seen.total, null.count, null.total)
    statement = f"{what}: {seen.count} of {seen.total} ({seen.low:.1%} to {seen.high:.1%})"
    statement += f"; the reference with other seeds: {null.count} of {null.total}"
    return _held(claim, variant, statement, interval, seen.value, margin, seen.total)


def _words(variant: str, seen: Estimate | None, null: Estimate | None, margin: float) -> Claim:
    if seen is None:
        return _none("wer", variant, "the word error rate")
    statement = f"WER differs by {seen.shown('+.3f')}, n = {seen.n}{_by_chance(null)}"
    return _held("wer", variant, statement, seen.interval, seen.value, margin, seen.n)


def _voice(variant: str, seen: QuantizationMetrics, null: QuantizationMetrics, margin: float) -> Claim:
    loss, here, chance = seen.similarity_loss, seen.similarity, null.similarity
    if loss is None or here is None or chance is None:
        return _none("same-voice", variant, "speaker similarity")
    statement = f"speaker similarity to the reference's own speech is {here.mean:.3f} on average, {chance.mean:.3f} "
    statement += f"between the reference's own seeds: a loss of {loss.shown('+.3f')}, n = {loss.n}"
    return _held("same-voice", variant, statement, loss.interval, loss.value, margin, loss.n)


def _mos(variant: str, seen: Estimate | None, null: Estimate | None, margin: float) -> Claim:
    if seen is None:
        statement = "not judged: no predicted MOS of enough chunks; it takes --mos"
        return Claim("mos", variant, statement, None, margin=margin, count=0)
    statement = f"the predicted MOS differs by {seen.shown('+.3f')}, n = {seen.n}{_by_chance(null)}"
    return _held("mos", variant, statement, (-seen.high, -seen.low), -seen.value, margin, seen.n)


def _by_chance(null: Estimate | None) -> str:
    return "" if null is None else f"; between the reference's own seeds {null.shown('+.3f')}"
