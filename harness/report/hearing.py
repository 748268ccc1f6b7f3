"""What the recognizer made of a run: who listened and where, words by language, transcripts that looped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.core.records import Arm, Json, Measurement, Status
from harness.scorers.intelligibility import LOOPED
from harness.store import Run

_LISTENER = ("engine", "model", "normaliser", "device", "compute_type")


def word_errors(seen: Sequence[Measurement], measure: str, unit: str) -> Json:
    """Return errors and units summed over all chunks with a transcript, then divided; ``measure`` is wer or cer."""
    parts = [observation.payload[measure] for observation in seen if observation.payload.get(measure)]
    errors, total = sum(part["errors"] for part in parts), sum(part[unit] for part in parts)
    return {"errors": errors, unit: total, "rate": errors / total if total else None, "chunks": len(parts)}


def by_language(seen: Sequence[Measurement]) -> Json:
    """Return WER and CER of each language, by its tag; empty where there is only one."""
    tags = sorted({str(observation.payload.get("language")) for observation in seen})
    if len(tags) < 2:
        return {}
    of = {tag: [one for one in seen if str(one.payload.get("language")) == tag] for tag in tags}
    return {
        tag: {"wer": word_errors(those, "wer", "words"), "cer": word_errors(those, "cer", "characters")}
        for tag, those in of.items()
    }


def listener(run: Run) -> Json:
    """Return who listened, on which device: names of several models or normalisers joined; None where nobody did."""
    payloads = [
        measurements.payload for _, measurements in run.all_observations("intelligibility") if measurements.payload
    ]
    return {key: _joined(payload.get(key) for payload in payloads) for key in _LISTENER}


def looped(run: Run, variant: str) -> int:
    """Return how many soaked chunks of a variant have a transcript that is the recognizer's own loop."""
    soaked = {attempt.id for attempt in run.attempts(variant=variant) if attempt.arm == Arm.SOAK}
    return sum(
        number in soaked and measurements.status is Status.NOT_AVAILABLE and measurements.reason == LOOPED
        for number, measurements in run.all_observations("intelligibility", variant)
    )


def _joined(values: Iterable[object]) -> str | None:
    return " + ".join(dict.fromkeys(str(value) for value in values if value)) or None
