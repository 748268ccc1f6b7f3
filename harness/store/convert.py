"""The words of the project to rows and back."""

from __future__ import annotations

import zlib
from dataclasses import fields
from functools import lru_cache
from sys import intern
from typing import Any

import numpy as np

from harness.core.records import (
    Attempt,
    Chunk,
    Claim,
    Detection,
    Finding,
    Measurement,
    Outcome,
    Status,
    Tokens,
    UsedLimit,
    Verdict,
    VerdictWord,
)
from harness.store.cells import Cell, to_cell
from harness.store.manifest import StoredText
from harness.store.rows import Row, RowTail, row_tail

# Fields of an attempt that are columns as they are: all but those that are packed or named by the store.
_ATTEMPT_PLAIN = tuple(one.name for one in fields(Attempt) if one.name not in ("outcome", "tokens", "notes", "id"))


def pack_tokens(tokens: Tokens) -> Row:
    """Return columns of int32 (frames, codebooks) tokens.

    Raises ValueError for another shape or a range beyond int32.
    """
    array = np.asarray(tokens)
    if array.ndim != 2:
        raise ValueError(f"tokens must have shape (frames, codebooks), not {array.shape}")
    narrow = array.astype("<i4")
    if not np.array_equal(narrow, array):
        raise ValueError("tokens do not fit int32")
    frames, codebooks = array.shape
    return {"tokens": zlib.compress(narrow.tobytes(), 1), "token_frames": frames, "token_codebooks": codebooks}


def unpack_tokens(row: Row) -> Tokens | None:
    """Return the inverse of pack_tokens; None where the attempt has no tokens."""
    if row["tokens"] is None:
        return None
    size = int(row["token_frames"]) * int(row["token_codebooks"]) * 4
    unpacked = zlib.decompressobj().decompress(row["tokens"], size + 1)  # never more than the row says
    flat = np.frombuffer(unpacked, dtype="<i4")
    return flat.reshape(row["token_frames"], row["token_codebooks"]).astype(np.int32, copy=True)


def attempt_key(attempt: Attempt) -> tuple[Cell, ...]:
    """Return the identity (session, arm, chunk_id, take) as cells."""
    return attempt.session, to_cell("text", attempt.arm), to_cell("text", attempt.chunk_id), attempt.take


def attempt_row(attempt: Attempt) -> Row:
    row: Row = {name: getattr(attempt, name) for name in _ATTEMPT_PLAIN}
    row["outcome"] = Outcome(attempt.outcome).value
    row["notes"] = attempt.notes
    if attempt.tokens is not None:
        row.update(pack_tokens(attempt.tokens))
    return row


def attempt_of(row: Row) -> Attempt:
    plain = {name: row[name] for name in _ATTEMPT_PLAIN}
    return Attempt(
        **plain, outcome=Outcome(row["outcome"]), tokens=unpack_tokens(row), notes=row["notes"] or {}, id=row["id"]
    )


def observation_row(attempt_id: int, seen: Measurement) -> Row:
    return {
        "attempt_id": attempt_id, "scorer": seen.scorer, "version": seen.version,
        "status": Status(seen.status).value, "payload": seen.payload, "reason": seen.reason,
    }  # fmt: skip


def chunk_of(text: StoredText) -> Chunk:
    """Return a text of the manifest's corpus as the chunk it was."""
    tags, position = tuple(text.get("tags", ())), int(text.get("position", 0))
    return Chunk(text["id"], text["text"], text.get("language", "en"), tags, position, text.get("expected", ""))


def observation_of(row: Row) -> Measurement:
    return Measurement(row["scorer"], row["version"], Status(row["status"]), row["payload"], row["reason"])


def evidence_tail(evidence: Detection) -> RowTail:
    """Return a row of evidence without its attempt. Raises CannotStore naming the column."""
    try:
        return _sealed_evidence(evidence)
    except TypeError:  # a detector of somebody else's whose span is a list
        return _sealed_evidence.__wrapped__(evidence)


@lru_cache(maxsize=2048)
def _sealed_evidence(evidence: Detection) -> RowTail:
    start, end = evidence.span if evidence.span is not None else (None, None)
    row: Row = {
        "fault": evidence.fault, "value": evidence.value, "unit": evidence.unit,
        "span_start": start, "span_end": end, "detail": evidence.detail, "reason": evidence.reason,
        "applies": evidence.applies,
    }  # fmt: skip
    return row_tail("evidence", row)


def evidence_of(row: Row) -> Detection:
    span = None if row["span_start"] is None else (row["span_start"], row["span_end"])
    fault, unit, reason = (intern(row[name]) for name in ("fault", "unit", "reason"))  # the same in thousands of rows
    return Detection(fault, row["value"], unit, span, row["detail"], reason, applies=bool(row["applies"]))


_FINDING = ("fault", "value", "limit", "limit_source", "unit", "span", "detail", "confirmed", "bound_to")


def _finding_of(stored: dict[str, Any]) -> Finding:
    fields = {name: stored[name] for name in _FINDING}
    if fields["span"] is not None:
        fields["span"] = tuple(fields["span"])
    return Finding(**fields)


def verdict_row(attempt_id: int, verdict: Verdict, limits_key: str) -> Row:
    return {
        "attempt_id": attempt_id, "word": VerdictWord(verdict.word).value,
        "findings": [{name: getattr(finding, name) for name in _FINDING} for finding in verdict.findings],
        "reason": verdict.reason, "unjudged": verdict.unjudged, "limits_key": limits_key,
        "limits": [[used.detector, used.value, used.limit, used.source] for used in verdict.limits],
        "final": verdict.final,
    }  # fmt: skip


def verdict_of(row: Row) -> Verdict:
    findings = tuple(_finding_of(stored) for stored in row["findings"])
    limits = tuple(
        UsedLimit(intern(detector), value, limit, intern(source))
        for detector, value, limit, source in row["limits"] or ()
    )
    return Verdict(
        VerdictWord(row["word"]), findings, row["reason"], tuple(row["unjudged"]), limits, final=bool(row["final"])
    )


def claim_row(claim: Claim) -> Row:
    low, high = claim.interval if claim.interval is not None else (None, None)
    return {
        "name": claim.name, "variant": claim.variant, "statement": claim.statement, "passed": claim.passed,
        "value": claim.value, "interval_low": low, "interval_high": high, "margin": claim.margin,
        "count": claim.count, "details": claim.details,
    }  # fmt: skip


def claim_of(row: Row) -> Claim:
    interval = None if row["interval_low"] is None else (row["interval_low"], row["interval_high"])
    passed = None if row["passed"] is None else bool(row["passed"])
    return Claim(
        row["name"], row["variant"], row["statement"], passed, row["value"], interval, row["margin"], row["count"],
        row["details"],
    )  # fmt: skip
