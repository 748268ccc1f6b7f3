"""Attempts of a run with all that was seen in them: what profiles and calibrations are made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from harness.core.records import Arm, Attempt, Chunk, DetectorInput, Measurement, Payloads, Verdict
from harness.detectors._figures import speech_seconds
from harness.detectors.base import CannotJudge
from harness.store.manifest import Manifest, fingerprint_part
from harness.text import NORMALISER_KEY, count_words, normaliser_version

SPEAKER: Final = "speaker"
_ARMS = (Arm.SOAK, Arm.REFERENCE)


class RunLike(Protocol):
    """The part of a run that a profile is made from."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def chunks(self) -> tuple[Chunk, ...]: ...

    def attempts(self, *, variant: str | None = None) -> list[Attempt]: ...

    def all_observations(
        self, scorer: str | None = None, variant: str | None = None
    ) -> Iterator[tuple[int, Measurement]]: ...

    def verdicts(self, variant: str | None = None) -> Mapping[int, Verdict]: ...


@dataclass(frozen=True)
class Take:
    """One recorded attempt with all that was seen in it."""

    chunk: Chunk
    attempt: Attempt
    observations: Mapping[str, Measurement]
    previous: Chunk | None = None
    verdict: Verdict | None = None

    @property
    def payloads(self) -> Payloads:
        """Return what the scorers measured, with its types."""
        return Payloads(self.observations)


def takes(run: RunLike, variant: str) -> Iterator[Take]:
    """Yield all first attempts of a variant in a run, in order, with what was seen in them."""
    chunks = {chunk.id: chunk for chunk in run.chunks}
    measurements: dict[int, dict[str, Measurement]] = {}
    for attempt_id, observation in run.all_observations(variant=variant):
        measurements.setdefault(attempt_id, {})[observation.scorer] = observation
    verdicts = run.verdicts(variant)
    before: Attempt | None = None
    for attempt in run.attempts(variant=variant):
        if attempt.arm not in _ARMS or attempt.id is None:
            continue
        same = before is not None and (before.session, before.epoch) == (attempt.session, attempt.epoch)
        previous = chunks.get(before.chunk_id) if before is not None and same else None
        before = attempt
        yield Take(
            chunks[attempt.chunk_id], attempt, measurements.get(attempt.id, {}), previous, verdicts.get(attempt.id)
        )


def _is_place(value: object) -> bool:
    return isinstance(value, str) and Path(value).is_absolute()


def conditions(run: RunLike, variant: str, gathered: Iterable[Take]) -> dict[str, str]:
    """Return the keys of a run: hashes of model, settings and corpus, versions of the scorers."""
    keys = {"corpus": str(run.manifest["corpus"].get("sha256", ""))}
    for name, value in (fingerprint_part(run.manifest.get("fingerprint"), "models").get(variant) or {}).items():
        keys[f"model.{name}"] = str(value)
    said = fingerprint_part(run.manifest.get("fingerprint"), "settings").get(variant) or {}
    own = said.get("settings")
    plain = {k: v for k, v in own.items() if not _is_place(v)} if isinstance(own, Mapping) else {}
    if said:  # paths differ between machines, their contents are hashed above; the seed is what a profile varies
        keys["settings"] = _digest({"settings": plain, "voice": said.get("voice"), "adapter": said.get("adapter")})
    for take in gathered:
        for name, observation in take.observations.items():
            keys.setdefault(f"scorer.{name}", observation.version)
            if label := observation.transcript.get("normaliser"):
                keys.setdefault(NORMALISER_KEY, normaliser_version(label))
    return keys


def figures_of(take: Take) -> dict[str, float]:
    """Return plain figures of one attempt; what is unknown is left out."""
    signal, pitch = take.payloads.or_empty("signal"), take.payloads.or_empty("pitch")
    wer = take.payloads.or_empty("intelligibility").get("wer") or {}
    figures: dict[str, float | None] = {
        "duration": signal.get("duration"),
        "speech_seconds": _speech(take),
        "active_rms_dbfs": signal.get("active_rms_dbfs"),
        "loudness_lufs": signal.get("loudness_lufs"),
        "f0_median_hz": pitch.get("f0_median_hz"),
        "speaker_similarity": take.payloads.or_empty(SPEAKER).get("similarity"),
        "wer_errors": wer.get("errors"),
        "wer_words": wer.get("words"),
        "token_count": take.attempt.token_count,
        "speech_rate": speech_rate(take.chunk, take.attempt),
        "token_rate": take.attempt.token_rate,
    }
    return {name: float(value) for name, value in figures.items() if value is not None}


def speech_rate(chunk: Chunk, attempt: Attempt) -> float | None:
    """Return words of the text a second of audio."""
    return count_words(chunk.expected_text) / attempt.duration if attempt.duration else None


def _speech(take: Take) -> float | None:
    try:
        return speech_seconds(DetectorInput(take.chunk, take.attempt, take.observations))
    except CannotJudge:
        return None


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
