"""The family's figures as Markdown, ready for a model card (layer 5)."""

from __future__ import annotations

from collections.abc import Mapping

from harness.experiments.stage import markdown
from harness.store import Run
from harness.types import Json

_HEADS = [
    "variant", "MB", "token ratio, median (range)", "near-empty", "cap hits", "faulty", "WER", "WER difference (95%)",
    "unique tokens", "entropy, bits", "first divergence", "SIM", "log-mel, dB", "RTFx", "peak MB",
]  # fmt: skip


def table(found: Mapping[str, Json], run: Run) -> str:
    """One row a variant; counts stand beside their totals, intervals are two-sided 95%."""
    sizes = {row.variant: _model_bytes(run, row.id) for row in run.sessions()}
    rows = [[name, *_cells(figures, sizes.get(name))] for name, figures in found.items()]
    chunks = next(iter(found.values()))["chunks"]
    seen = run.manifest["corpus"]["name"]
    notes = (
        f"{chunks} chunks of the corpus {seen}, each with the same seed for every variant. Token ratio, first "
        "divergence (of speech tokens, median), SIM (cosine of speaker embeddings) and log-mel distance: against the "
        "reference's speech of the same text; the row of other seeds is the reference against itself. Near-empty: "
        "fewer than 0.3 of the reference's tokens. RTFx: audio seconds per CPU second."
    )
    return f"{markdown(_HEADS, rows)}\n\n{notes}\n"


def _cells(found: Json, size: int | None) -> list[str]:
    ratio, difference, first = found["token_ratio"], found["wer_difference"], found["first_divergence"]
    spread = "-" if ratio is None else f"{ratio['median']:.3f} ({ratio['min']:.2f}-{ratio['max']:.2f})"
    changed = "-" if difference is None else f"{difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})"  # fmt: skip # noqa: E501
    return [
        "-" if size is None else f"{size / 1e6:.2f}",
        spread,
        *(_share(found[key]) for key in ("near_empty", "cap_hits", "faulty")),
        _figure(found["wer"]["rate"], ".3f"),
        changed,
        _several(found["unique"], ".0f"),
        _several(found["entropy_bits"], ".2f"),
        "-" if first is None else f"{first['median']:.0f}",
        _figure(found["similarity"]["mean"] if found["similarity"] else None, ".3f"),
        _figure(found["log_mel_db"]["median"] if found["log_mel_db"] else None, ".1f"),
        _figure(found["rtfx"], ".1f"),
        _figure(found["peak_memory_bytes"], ".0f", 1e-6),
    ]


def _share(found: Json) -> str:
    if not found["total"]:
        return "-"
    return f"{found['count']}/{found['total']} (up to {found['high']:.1%})"


def _several(values: list[float], form: str) -> str:
    return " / ".join(format(value, form) for value in values) or "-"


def _figure(value: float | None, form: str, scale: float = 1.0) -> str:
    return "-" if value is None else format(value * scale, form)


def _model_bytes(run: Run, session: int) -> int | None:
    for epoch in run.epochs(session):
        size = epoch.capabilities.get("details", {}).get("model_bytes")
        if size is not None:
            return int(size)
    return None
