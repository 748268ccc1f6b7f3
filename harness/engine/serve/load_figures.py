"""The record of a load and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from harness.core.records import Outcome


class LoadRow(TypedDict):
    """One request and what came of it, as it is written; times in seconds."""

    request: int
    take: int
    client: int
    chunk: str
    outcome: str
    detail: str
    ttfa: float | None
    wall: float
    audio_seconds: float | None
    sha256: str | None
    underruns: int | None
    underrun_seconds: float | None
    longest_gap: float | None
    refusals: int


class LoadSummary(TypedDict):
    """Figures of a load; quantiles in seconds over the answered requests."""

    recorded: int
    lost: int
    answered: int
    first_takes: dict[str, int]
    asked_again: int
    refusals: int
    same_audio_for_different_texts: int
    ttfa: dict[str, float | int | None]
    wall: dict[str, float | int | None]
    with_underruns: int
    judged_for_underruns: int
    audio_seconds: float


class WrittenSummary(LoadSummary):
    """What a load is told by at its end."""

    variant: str
    url: str
    corpus: str
    requests: int
    clients: int
    wall_seconds: float
    requests_per_second: float
    rtfx: float  # of all clients together


def load_summary(rows: Sequence[LoadRow], requests: int) -> LoadSummary:
    """Return figures of a load: counts, and quantiles in seconds over the answered requests."""
    ok = [row for row in rows if row["outcome"] == Outcome.OK]
    first = [row for row in rows if row["take"] == 0]
    texts: dict[str, set[str]] = {}
    for row in ok:
        texts.setdefault(row["sha256"] or "", set()).add(row["chunk"])
    outcomes: dict[str, int] = {}
    for row in first:
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
    underruns = [count for row in ok if (count := row["underruns"]) is not None]
    return {
        "recorded": len({row["request"] for row in rows}),
        "lost": requests - len({row["request"] for row in rows}),
        "answered": len({row["request"] for row in ok}),
        "first_takes": outcomes,
        "asked_again": len(rows) - len(first),
        "refusals": sum(row["refusals"] for row in rows),
        "same_audio_for_different_texts": sum(len(texts_of_client) > 1 for texts_of_client in texts.values()),
        "ttfa": quantiles([ttfa for row in ok if (ttfa := row["ttfa"]) is not None]),
        "wall": quantiles([row["wall"] for row in ok]),
        "with_underruns": sum(count > 0 for count in underruns),
        "judged_for_underruns": len(underruns),
        "audio_seconds": sum(row["audio_seconds"] or 0.0 for row in ok),
    }


def quantiles(values: list[float]) -> dict[str, float | int | None]:
    """Return p50, p95 and p99 with their count; None of an empty list."""
    import numpy as np

    if not values:
        return {"count": 0, "p50": None, "p95": None, "p99": None}
    values_at = np.quantile(np.array(values), [0.5, 0.95, 0.99])
    return {
        "count": len(values),
        **{name: float(value) for name, value in zip(("p50", "p95", "p99"), values_at, strict=True)},
    }
