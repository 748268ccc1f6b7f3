"""What the cases are made of: clips, views of them, verdicts, and transcripts that are given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.audio import read_audio
from harness.core.manifests import read_recordings
from harness.core.records import Attempt, Chunk, DetectorInput, Measurement, Outcome, Samples, Status, Variant, Verdict
from harness.scorers import SCORERS
from harness.scorers.base import observe
from harness.scorers.clip import SharedClip
from harness.scorers.intelligibility import transcript_payload
from harness.scorers.transcript import Transcript
from harness.text import default_normaliser, normaliser
from harness.verdicts import Limits, VerdictPolicy

SCORERS_USED = ("signal", "pitch")


@dataclass(frozen=True)
class Recording:
    """A recording of a reader with its text; ``samples`` float32 mono at ``rate`` Hz."""

    name: str
    text: str
    samples: Samples
    rate: int


def recordings(folder: Path) -> dict[str, Recording]:
    """Return the recordings of ``ljspeech`` in a folder by name."""
    listed = read_recordings(folder / "ljspeech" / "metadata.csv", "ljspeech")
    audio = {row: read_audio(row.audio) for row in listed if row.audio.is_file()}
    return {row.id: Recording(row.id, row.text or "", one.samples, one.sample_rate) for row, one in audio.items()}


def word_errors(text: str, transcript: str, language: str = "en") -> tuple[int, int]:
    """Return errors and words of a transcript under the normaliser of the language."""
    payload = transcript_payload(
        Transcript(transcript, (), "given", "given"), text, language, normaliser(default_normaliser(language))
    )
    return int(payload["wer"]["errors"]), int(payload["wer"]["words"])


def view_of_clip(
    text: str,
    sound: Samples | None = None,
    rate: int = 24_000,
    *,
    heard: str | None = None,
    outcome: Outcome = Outcome.OK,
    repairs: tuple[str, ...] = (),
) -> DetectorInput:
    """Return what the detectors would see of one answer; ``heard`` is the transcript, None where nobody listened."""
    chunk = Chunk("case", text)
    duration = None if sound is None else len(sound) / rate
    notes = {"repairs": list(repairs)}
    attempt = Attempt(
        0, 0, 0, "case", "case", outcome=outcome, detail="said so", sample_rate=rate, duration=duration, notes=notes
    )
    measurements: dict[str, Measurement] = {}
    if sound is not None:
        clip = SharedClip(chunk, attempt, np.asarray(sound, np.float32), rate, Variant("case", "null"))
        measurements = {name: observe(SCORERS.get(name)(), clip) for name in SCORERS_USED}
        if heard is not None:
            given = transcript_payload(Transcript(heard, (), "given", "given"), text, "en", normaliser("english"))
            measurements["intelligibility"] = Measurement("intelligibility", "given", Status.OK, given)
    return DetectorInput(chunk, attempt, measurements)


def verdict_of(view: DetectorInput) -> Verdict:
    """Return the verdict under the default limits, without a reference."""
    judge = VerdictPolicy(Limits.default())
    return judge.verdict(view, judge.evidence(view))


def findings_of(view: DetectorInput) -> dict[str, str]:
    """Return the findings under the default limits: detector -> its detail."""
    judge = VerdictPolicy(Limits.default())
    findings, _ = judge.findings(view, judge.evidence(view))
    return {finding.fault: finding.detail for finding in findings}
