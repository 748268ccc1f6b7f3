"""A run as flat rows: one attempt a row, every score a column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.core.records import Arm, Json, Measurement, Status, VerdictWord
from harness.store import Run

_SKIPPED = {"embedding", "words", "alignment", "spans", "codebooks", "reference", "hypothesis"}  # not figures
_MOST_DEPTH = 3


def attempt_rows(run: Run, *, arms: tuple[str, ...] = (Arm.SOAK,)) -> Iterator[Json]:
    """Yield a row an attempt, in order of requests: identity, verdict, process, and ``scorer.key`` of every score.

    Values are plain JSON; what was not measured is None, with ``scorer.status`` and ``scorer.reason`` saying why.
    """
    texts = {text["id"]: text["text"] for text in run.manifest["corpus"]["texts"]}
    expected = {text["id"]: text.get("expected") or None for text in run.manifest["corpus"]["texts"]}
    verdicts = run.verdicts()
    for attempt in run.attempts():
        if attempt.arm not in arms or attempt.id is None:
            continue
        verdict = verdicts.get(attempt.id)
        findings = [f for f in verdict.findings if f.confirmed is not False] if verdict is not None else []
        row: Json = {
            "run_id": run.run_id,
            "variant": attempt.variant,
            "chunk_id": attempt.chunk_id,
            "arm": str(attempt.arm),
            "take": attempt.take,
            "sequence": attempt.sequence,
            "epoch": attempt.epoch,
            "seed": attempt.seed,
            "verdict": (verdict.word if verdict is not None else VerdictWord.NOT_JUDGED).value,
            "faults": ";".join(dict.fromkeys(f.fault for f in findings)),
            "confirmed": any(f.confirmed for f in findings) if findings else None,
            "reason": verdict.reason if verdict is not None else "no verdict",
            "outcome": attempt.outcome.value,
            "detail": attempt.detail,
            "audio": attempt.audio,
            "duration": attempt.duration,
            "token_count": attempt.token_count,
            "finish_reason": attempt.finish_reason,
            "wall_seconds": attempt.wall_seconds,
            "cpu_seconds": attempt.cpu_seconds,
            "ttfa": attempt.ttfa,
            "rss_bytes": attempt.rss_bytes,
            "peak_rss_bytes": attempt.peak_rss_bytes,
            "text": texts.get(attempt.chunk_id),
            "expected": expected.get(attempt.chunk_id),
        }
        for scorer, measurements in sorted(run.observations(attempt.id).items()):
            row.update(_scores(scorer, measurements))
        yield row


def _scores(scorer: str, seen: Measurement) -> Json:
    row: Json = {f"{scorer}.status": seen.status.value}
    if seen.status is not Status.OK:
        row[f"{scorer}.reason"] = seen.reason
    for number, book in enumerate(seen.payload.get("codebooks") or ()):
        row.update({f"{scorer}.codebook{number}.{key}": value for key, value in book.items()})
    row.update(_flat(seen.payload, scorer, 1))
    return row


def _flat(payload: Json, prefix: str, depth: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in payload.items():
        name = f"{prefix}.{key}"
        if key in _SKIPPED:
            continue
        if isinstance(value, dict) and depth < _MOST_DEPTH:
            row.update(_flat(value, name, depth + 1))
        elif isinstance(value, list) and len(value) <= 2 and all(isinstance(v, int | float) for v in value):
            row.update({f"{name}.{index}": part for index, part in enumerate(value)})
        elif not isinstance(value, dict | list):
            row[name] = value
    return row
