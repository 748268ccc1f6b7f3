"""The figures of one variant against the reference, chunk by chunk under the same seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from harness import stats
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


def _mcnemar(judged: Sequence[tuple[bool, bool]]) -> McNemar:
    only = sum(a and not b for a, b in judged), sum(b and not a for a, b in judged)
    return McNemar(*only, stats.mcnemar(*only))


def _sign_flip(logs: Sequence[float], seed: int, level: float) -> float | None:
    return stats.sign_flip(logs, seed=seed) if mean(logs, seed, level) is not None else None


Rows: TypeAlias = Sequence[QuantizationRow]
Pairs: TypeAlias = Sequence[tuple[QuantizationRow, QuantizationRow]]


def quantization_metrics(
    rows: Rows, reference: Rows, null: Rows | None = None, *, seed: int, level: float = 0.95
) -> QuantizationMetrics:
    """Return every figure of one variant against the reference on the chunks both have.

    ``null``: the reference spoken with other seeds, against which similarity and log-mel distance are set chunk by
    chunk. Differences and means have two-sided intervals over chunks at ``level``, proportions exact ones.
    """
    base, chance = ({row.chunk_id: row for row in those} for those in (reference, null or ()))
    return _metrics(rows, [(row, base[row.chunk_id]) for row in rows if row.chunk_id in base], chance, seed, level)


def _metrics(
    rows: Rows, pairs: Pairs, chance: Mapping[str, QuantizationRow], seed: int, level: float
) -> QuantizationMetrics:
    ratios = [a.tokens / b.tokens for a, b in pairs if a.tokens is not None and b.tokens]
    logs = [math.log(ratio) for ratio in ratios if ratio > 0]
    heard = [(a, b) for a, b in pairs if a.words and b.words and a.errors is not None and b.errors is not None]
    judged = [(a.faulty, b.faulty) for a, b in pairs if a.faulty is not None and b.faulty is not None]
    alike = [a.similarity for a, _ in pairs if a.similarity is not None]
    return QuantizationMetrics(
        chunks=len(rows),
        failed=sum(not row.ok for row in rows),
        token_ratio=spread(ratios),
        duration_ratio=spread([a.duration / b.duration for a, b in pairs if a.duration is not None and b.duration]),
        mean_log_ratio=mean(logs, seed, level),
        mean_log_ratio_p=_sign_flip(logs, seed, level),
        entropy_difference=_column_differences(pairs, seed, level),
        near_empty=_share([_near_empty(a, b) for a, b in pairs], level),
        cap_hits=_share([row.cap_hit for row in rows], level),
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
        mos_difference=mean([a.mos - b.mos for a, b in pairs if a.mos is not None and b.mos is not None], seed, level),
        faulty=_share([a for a, _ in judged], level),
        mcnemar=_mcnemar(judged),
        rtfx=_rtfx(rows),
        peak_memory_bytes=max((row.peak_rss for row in rows if row.peak_rss is not None), default=None),
    )


def _share(answers: Sequence[bool | None], level: float) -> Proportion:
    """Return the share of yes among the answers that there are."""
    given = [answer for answer in answers if answer is not None]
    return proportion(sum(given), len(given), level)


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
