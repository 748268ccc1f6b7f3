"""The family's figures as Markdown, ready for a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.experiments.divergence import Divergence, DivergenceEstimate, Figures
from harness.experiments.quantization.metrics import QuantizationMetrics
from harness.experiments.stage import figure, markdown_table
from harness.scorers import MOS_PREDICTORS
from harness.stats import Estimate, Spread
from harness.store import Run

_HEADS = [
    "variant", "MB", "token ratio, median (range)", "duration ratio", "near-empty", "cap hits", "faulty", "WER",
    "WER difference (95%)",
    "unique tokens", "entropy, bits", "first divergence", "SIM (95%)", "MOS difference (95%)", "log-mel, dB", "RTFx",
    "peak MB", "KL, nats (95%)", "same top token",
]  # fmt: skip
_PARTS = ["variant", "tokens", "n", "KL mean (95%)", "p95", "p99", "same top token", "perplexity", "of the reference"]


def quantization_table(found: Mapping[str, QuantizationMetrics], fed: Mapping[str, Divergence | str], run: Run) -> str:
    """Return one row a variant; counts stand beside their totals, intervals are two-sided 95%.

    Then divergence in detail.
    """
    rows = [[name, *_cells(figures)] for name, figures in found.items()]
    chunks = next(iter(found.values())).chunks
    corpus = run.corpus_name
    notes = (
        f"{chunks} chunks of the corpus {corpus}, each with the same seed for every variant. Token and duration ratio, "
        "first divergence (of speech tokens, median), SIM (cosine of speaker embeddings), differences and log-mel "
        "distance (median): against the reference's speech of the same text; the row of other seeds is the reference "
        "against itself. Near-empty: fewer than 0.3 of the reference's tokens. Counts with exact intervals. RTFx: "
        f"audio seconds per second of the request. {_predictor(run)}"
    )
    heads, rows = _measured(_HEADS, rows)
    return f"{markdown_table(heads, rows)}\n\n{notes}\n\n{_divergence(fed)}\n"


def _measured(heads: Sequence[str], rows: Sequence[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Leave out columns that no row has a figure for, as those of tokens where a system gives none."""
    kept = [i for i in range(len(heads)) if any(row[i] != "-" for row in rows)]
    return [heads[i] for i in kept], [[row[i] for i in kept] for row in rows]


def _spread(seen: Spread | None) -> str:
    return "-" if seen is None else f"{seen.median:.3f} ({seen.min:.2f}-{seen.max:.2f})"


def _predictor(run: Run) -> str:
    named = [what for name, what in MOS_PREDICTORS.items() if name in run.manifest["scorers"]]
    return f"MOS: as predicted by {named[0]}." if named else "MOS: not predicted (--mos)."


def _cells(seen: QuantizationMetrics) -> list[str]:
    first = seen.first_divergence
    speech = seen.divergence.speech if seen.divergence is not None else None
    return [
        figure(seen.model_bytes, ".2f", 1e-6),
        *(_spread(ratio) for ratio in (seen.token_ratio, seen.duration_ratio)),
        *(share.shown() for share in (seen.near_empty, seen.cap_hits, seen.faulty)),
        figure(seen.wer.rate, ".3f"),
        _ranged(seen.wer_difference, "+.3f"),
        _several(seen.unique, ".0f"),
        _several(seen.entropy_bits, ".2f"),
        "-" if first is None else f"{first.median:.0f}",
        _ranged(seen.similarity_mean, ".3f"),
        _ranged(seen.mos_difference, "+.2f"),
        figure(seen.log_mel_db.median if seen.log_mel_db is not None else None, ".1f"),
        figure(seen.rtfx, ".1f"),
        figure(seen.peak_memory_bytes, ".0f", 1e-6),
        "-" if speech is None else _ranged(speech.divergence, ".3g"),
        "-" if speech is None else f"{speech.agreement.value:.1%}",
    ]


def _divergence(fed: Mapping[str, Divergence | str]) -> str:
    """By codebook slot and by position, for the variants that could be fed."""
    rows = []
    for name, one in fed.items():
        if isinstance(one, str):
            continue
        parts = {"all speech": one.speech, **one.slots}
        parts |= {f"speech, {place} of its generation": figures for place, figures in one.positions.items()}
        rows += [[name, part, *_part(figures)] for part, figures in parts.items()]
    why = [f"Divergence of {name} is not known: {one}." for name, one in fed.items() if isinstance(one, str)]
    if not rows:
        return "\n\n".join(dict.fromkeys(why))
    measured = next(one for one in fed.values() if not isinstance(one, str))
    notes = (
        f"Teacher-forced divergence: the tokens that the reference spoke for the first {measured.chunks} chunks are "
        "fed to each variant. KL(reference || variant) of the next token in nats over the whole vocabulary, before any "
        "sampler; intervals over chunks; perplexity of the tokens spoken."
    )
    return "\n\n".join([markdown_table(_PARTS, rows), notes, *why])


def _part(seen: Figures) -> list[str]:
    return [
        str(seen.steps),
        _ranged(seen.divergence, ".3g"),
        f"{seen.divergence_p95:.3g}",
        f"{seen.divergence_p99:.3g}",
        f"{seen.agreement.value:.1%}",
        f"{seen.perplexity:.3f}",
        f"{seen.perplexity_reference:.3f}",
    ]


def _ranged(seen: Estimate | DivergenceEstimate | None, form: str) -> str:
    return "-" if seen is None else seen.shown(form)


def _several(values: Sequence[float], form: str) -> str:
    return " / ".join(format(value, form) for value in values) or "-"
