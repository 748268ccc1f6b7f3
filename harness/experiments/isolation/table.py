"""The Markdown tables of the isolation suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.experiments.isolation.claims import DecodedResult, IsolationResult, IsolationRow, TokenWordErrors
from harness.experiments.isolation.weights import EmbeddingFigures
from harness.experiments.stage import figure, markdown_table


def isolation_table(results: Mapping[str, IsolationResult]) -> str:
    """Return where the fault of each variant sits, tokens by decoder, embeddings, and what each set of tokens gave."""
    return "\n".join(_variant(name, result) for name, result in results.items())


def _variant(name: str, result: IsolationResult) -> str:
    parts = [f"**{name}**: {result.why}."]
    if result.spoken:
        parts.append(_spoken(name, result))
    if result.decoded:
        heads = ["tokens", "log-mel, dB", "level, dB", "seconds", "reference decoder", "as the reference decoder"]
        rows = [_cells(one) for one in result.decoded]
        parts.append(markdown_table(heads, rows))
    if result.embeddings:
        heads = ["embeddings", "rows", "mean", "spread", "zero rows", "rows not finite"]
        rows = [_embedding(key, one) for key, one in result.embeddings.items()]
        parts.append(markdown_table(heads, rows))
    return "\n\n".join(parts) + "\n"


def _spoken(name: str, result: IsolationResult) -> str:
    heads = ["through the reference decoder", "bad texts", "WER"]
    wer = result.wer or {}
    base = next((key for key in wer if key != name), "the reference")
    rows = [
        [f"tokens of {name}", _bad(result.spoken), _rate(wer.get(name))],
        [f"tokens of {base}, other seeds", _bad(result.null), _rate(wer.get(base))],
    ]
    return markdown_table(heads, rows)


def _bad(rows: Sequence[IsolationRow]) -> str:
    present = [bad for row in rows if (bad := row.bad) is not None]
    return f"{sum(present)} of {len(present)}" if present else "-"


def _rate(words: TokenWordErrors | None) -> str:
    return "-" if words is None else f"{words.rate:.3f} ({words.errors} of {words.words})"


def _cells(one: DecodedResult) -> list[str]:
    own, base = one.seconds
    mel = "silent" if one.quiet else figure(one.mel_db, ".1f")
    return [one.name, mel, figure(one.level_db, ".1f"), f"{own:.2f}", f"{base:.2f}", one.wrong or "yes"]


def _embedding(name: str, one: EmbeddingFigures) -> list[str]:
    zero, broken = str(len(one.zero_rows)), str(len(one.broken_rows))
    return [name, str(one.rows), figure(one.mean, ".4g"), figure(one.spread, ".4g"), zero, broken]
