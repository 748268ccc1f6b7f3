"""``report.html``: the verdict table, and the worst chunks with audio and transcript (layer 4)."""

from __future__ import annotations

from typing import Any

from harness.report.diff import Word, word_diff
from harness.store import Run
from harness.types import Arm, Attempt, Json, Status, Verdict, VerdictWord

_MOST_CHUNKS = 200


def render(run: Run, summary: Json) -> None:
    """Write ``report.html`` beside the journal; audio is referred to by relative path and loaded on demand."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("harness.report"), autoescape=True, trim_blocks=True)
    environment.filters["percent"] = lambda value: "–" if value is None else f"{100 * value:.1f}%"
    environment.filters["fixed"] = lambda value, digits=2: "–" if value is None else f"{value:.{digits}f}"
    page = environment.get_template("report.html").render(summary=summary, chunks=_worst(run))
    (run.path / "report.html").write_text(page, encoding="utf-8", errors="backslashreplace")


def _worst(run: Run) -> list[dict[str, Any]]:
    """Faulty chunks first, by how far they are beyond their limits, then those not judged."""
    texts = {chunk["id"]: chunk["text"] for chunk in run.manifest["corpus"]["texts"]}
    verdicts = run.verdicts(arm=Arm.SOAK)
    rows = []
    for attempt in run.attempts(arm=Arm.SOAK):
        verdict = verdicts.get(attempt.id) if attempt.id is not None else None
        if verdict is not None and verdict.word is not VerdictWord.CLEAN:
            rows.append((_badness(verdict), attempt, verdict))
    rows.sort(key=lambda row: row[0], reverse=True)
    return [_chunk(run, texts, attempt, verdict) for _, attempt, verdict in rows[:_MOST_CHUNKS]]


def _badness(verdict: Verdict) -> float:
    beyond = [abs(f.value - f.limit) / (abs(f.limit) or 1.0) for f in verdict.findings if f.confirmed is not False]
    return max(beyond, default=-1.0)


def _chunk(run: Run, texts: dict[str, str], attempt: Attempt, verdict: Verdict) -> dict[str, Any]:
    assert attempt.id is not None
    heard = run.observations(attempt.id).get("intelligibility")
    payload = heard.payload if heard is not None and heard.status is Status.OK else {}
    words: list[Word] = word_diff(payload) if payload else []
    return {
        "attempt": attempt,
        "verdict": verdict,
        "text": texts.get(attempt.chunk_id, ""),
        "heard": payload.get("text"),
        "why_unheard": heard.reason if heard is not None and not payload else "",
        "words": words,
    }
