"""Take over what an earlier run already spoke and scored: the same text, seed, model, settings and scorers.

Speech is by far the dearest part of a run. Where two suites ask for the same session, the second reads the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.records import Arm, Attempt
from harness.store import Run, redact_json
from harness.store.manifest import FingerprintPart, StoredFingerprint, check_whole, fingerprint_part

if TYPE_CHECKING:
    from harness.store.recorded import SessionRow

_SAME: tuple[FingerprintPart, ...] = (
    "models",
    "settings",
    "files",
)  # parts of the fingerprint, by variant, that make speech the same speech


def adopt(run: Run, source: Path, fingerprint: StoredFingerprint, selection: Mapping[str, tuple[str, ...]]) -> int:
    """Copy into ``run`` every soak session of ``source`` that it would speak again; returns how many attempts.

    A session is taken whole or not at all: same corpus, chunks in the same order, model, settings, code and scorers.
    What was seen is taken, what was judged is not: that is for the limits and the reference of ``run``. An event
    ``adopted`` says what came from where. Raises StoreError for a damaged source.
    """
    asked = redact_json(fingerprint)
    count = 0
    with Run.open(source) as other:
        check_whole(other.path, other.manifest, resumed=True)
        for row in other.sessions():
            if row.arm == Arm.SOAK and _serves(row, other, asked, selection):
                taken = _session(run, other, row, set(fingerprint["scorers"]))
                run.record_event("adopted", {"variant": row.variant, "from": other.run_id, "attempts": taken})
                count += taken
    return count


def _serves(row: SessionRow, other: Run, asked: StoredFingerprint, selection: Mapping[str, tuple[str, ...]]) -> bool:
    fingerprint = other.manifest["fingerprint"]
    assert fingerprint is not None  # of a whole manifest
    scorers = asked["scorers"]
    spoken = {attempt.chunk_id for attempt in other.attempts(session=row.id) if attempt.arm == Arm.SOAK}
    return (
        selection.get(row.variant) == row.chunk_ids
        and spoken == set(row.chunk_ids)
        and (fingerprint["corpus"], fingerprint["code"]) == (asked["corpus"], asked["code"])
        and all(fingerprint["scorers"].get(name, ...) == options for name, options in scorers.items())
        and all(
            fingerprint_part(fingerprint, part).get(row.variant, ...) == fingerprint_part(asked, part).get(row.variant)
            for part in _SAME
        )
        and all(
            fingerprint_part(fingerprint, "recognizers").get(name) == fingerprint_part(asked, "recognizers").get(name)
            for name in scorers
        )
    )


def _session(run: Run, other: Run, row: SessionRow, scorers: set[str]) -> int:
    session = run.begin_session(row.variant, row.arm, row.chunk_ids, row.details)
    for epoch in other.epochs(row.id):
        run.begin_epoch(session, epoch.reason, epoch.capabilities)
    attempts = other.attempts(session=row.id)
    for attempt in attempts:
        stored = _attempt(run, other, attempt, session)
        assert attempt.id is not None
        assert stored.id is not None
        measurements = [one for name, one in other.observations(attempt.id).items() if name in scorers]
        run.record_observations(stored.id, measurements)
    return len(attempts)


def _attempt(run: Run, other: Run, attempt: Attempt, session: int) -> Attempt:
    samples = other.read_audio(attempt)[0] if attempt.audio is not None else None
    return run.record_attempt(replace(attempt, session=session, id=None, audio=None, audio_sha256=None), samples)
