"""The plain rows that claims are computed from: one a chunk, in order of speaking."""

from __future__ import annotations

from harness.core.records import (
    Arm,
    Attempt,
    Chunk,
    Measurement,
    Payloads,
    Variant,
    Verdict,
    VerdictWord,
)
from harness.engine.plan import Plan
from harness.store import EventRow, Run
from harness.verdicts.claims import ChunkResult
from harness.verdicts.profile.takes import speech_rate


def chunk_results(run: Run, plan: Plan, variant: Variant) -> list[ChunkResult]:
    """Return a row for each selected chunk; what was never spoken or judged is there, as such."""
    chunks = plan.chunks(variant)
    attempts = {a.chunk_id: a for a in run.attempts(variant=variant.name, arm=Arm.SOAK)}
    verdicts = run.verdicts(variant=variant.name, arm=Arm.SOAK)
    away = next((str(event.data["reason"]) for event in run.events("backend away") if _of(event, variant)), "")
    rows = []
    for position, chunk in enumerate(chunks):
        attempt = attempts.get(chunk.id)
        verdict = verdicts.get(attempt.id) if attempt is not None and attempt.id is not None else None
        if attempt is None and away:
            verdict = Verdict(VerdictWord.NOT_JUDGED, reason=away)
        measurements = run.observations(attempt.id) if attempt is not None and attempt.id is not None else {}
        rows.append(_row(position, chunk, attempt, verdict, measurements))
    return rows


def _row(
    position: int, chunk: Chunk, attempt: Attempt | None, verdict: Verdict | None, seen: dict[str, Measurement]
) -> ChunkResult:
    payloads = Payloads(seen)
    values: dict[str, float | None] = {
        "loudness_lufs": payloads.or_empty("signal").get("loudness_lufs"),
        "speaker_similarity": payloads.or_empty("speaker").get("similarity"),
        "rss_bytes": float(attempt.rss_bytes) if attempt is not None and attempt.rss_bytes is not None else None,
    }
    wer = payloads.or_empty("intelligibility").get("wer") or {}
    if attempt is not None:
        rates = {"speech_rate": speech_rate(chunk, attempt), "token_rate": attempt.token_rate, "rtfx": attempt.rtfx}
        values |= {name: rate for name, rate in rates.items() if rate is not None}
    return ChunkResult(
        position=position,
        chunk=chunk,
        verdict=verdict,
        epoch=attempt.epoch if attempt is not None else None,
        errors=wer.get("errors"),
        words=wer.get("words"),
        values={name: value for name, value in values.items() if value is not None},
    )


def _of(event: EventRow, variant: Variant) -> bool:
    return event.data.get("variant") == variant.name
