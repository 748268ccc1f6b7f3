"""What the recognizer made of a run: who listened and where, words by language, transcripts that looped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from harness.core.records import LOOPED, Arm, Measurement, Status
from harness.report.summary import CharacterErrors, LanguageErrors, Listener, WordErrors
from harness.store import Run


def word_errors(seen: Sequence[Measurement]) -> WordErrors:
    """Return word errors and words summed over all chunks with a transcript, then divided."""
    errors, words, chunks = _summed(seen, "wer", "words")
    return WordErrors(errors=errors, words=words, rate=errors / words if words else None, chunks=chunks)


def character_errors(seen: Sequence[Measurement]) -> CharacterErrors:
    """Return character errors and characters summed over all chunks with a transcript, then divided."""
    errors, characters, chunks = _summed(seen, "cer", "characters")
    rate = errors / characters if characters else None
    return CharacterErrors(errors=errors, characters=characters, rate=rate, chunks=chunks)


def _summed(
    seen: Sequence[Measurement], measure: Literal["wer", "cer"], unit: Literal["words", "characters"]
) -> tuple[int, int, int]:
    parts = [rate for measurement in seen if (rate := measurement.transcript.get(measure))]
    return sum(part["errors"] for part in parts), sum(part[unit] for part in parts), len(parts)


def by_language(seen: Sequence[Measurement]) -> dict[str, LanguageErrors]:
    """Return WER and CER of each language, by its tag; empty where there is only one."""
    tags = sorted({str(observation.transcript.get("language")) for observation in seen})
    if len(tags) < 2:
        return {}
    of = {tag: [one for one in seen if str(one.transcript.get("language")) == tag] for tag in tags}
    return {tag: LanguageErrors(wer=word_errors(those), cer=character_errors(those)) for tag, those in of.items()}


def listener(run: Run) -> Listener:
    """Return who listened, on which device: names of several models or normalisers joined; None where nobody did."""
    payloads = [
        measurements.payload for _, measurements in run.all_observations("intelligibility") if measurements.payload
    ]
    return Listener(**{key: _joined(payload.get(key) for payload in payloads) for key in Listener.model_fields})


def looped(run: Run, variant: str) -> int:
    """Return how many soaked chunks of a variant have a transcript that is the recognizer's own loop."""
    soaked = {attempt.id for attempt in run.attempts(variant=variant) if attempt.arm == Arm.SOAK}
    return sum(
        number in soaked and measurements.status is Status.NOT_AVAILABLE and measurements.reason == LOOPED
        for number, measurements in run.all_observations("intelligibility", variant)
    )


def _joined(values: Iterable[object]) -> str | None:
    return " + ".join(dict.fromkeys(str(value) for value in values if value)) or None
