"""Build a profile from one run of the reference or several."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from harness.core.errors import ConfigError
from harness.core.records import DetectorInput, Outcome, ReferenceRecord, Variant, VerdictWord
from harness.detectors import detect_all
from harness.verdicts.profile.record import Profile, round_digits, text_key
from harness.verdicts.profile.stored import ErrorTotals, FigureSpread, ProfileTotals, VoiceFigures
from harness.verdicts.profile.takes import SPEAKER, RunLike, Take, conditions, figures_of, takes


def build_profile(runs: RunLike | Sequence[RunLike], variant: Variant) -> Profile:
    """Build the profile of ``variant`` from one run or several (other seeds). First attempts only, no retries.

    Raises ConfigError when the runs hold nothing of the variant, or were made under different conditions.
    """
    return from_takes(*takes_of(runs, variant))


def takes_of(runs: RunLike | Sequence[RunLike], variant: Variant) -> tuple[list[Take], dict[str, str]]:
    """Return the takes of ``variant`` in one run or several, and the conditions that they share.

    Raises ConfigError when the runs hold nothing of the variant, or were made under different conditions.
    """
    keys: dict[str, str] = {}
    gathered: list[Take] = []
    for run in runs if isinstance(runs, Sequence) else [runs]:
        gathered += (all_takes := list(takes(run, variant.name)))
        for name, value in conditions(run, variant.name, all_takes).items():
            if keys.setdefault(name, value) != value and name != "corpus":
                raise ConfigError(f"{variant.name}: the runs differ in {name}: {keys[name]} and {value}")
    if not gathered:
        raise ConfigError(f"{variant.name}: the run holds no attempt of it")
    return gathered, keys


def from_takes(gathered: Iterable[Take], keys: Mapping[str, str], broken: Collection[int] = ()) -> Profile:
    """Build a profile from attempts with their observations; each text keeps its takes in the order given.

    ``broken``: ids of attempts that are no reference for their text as long as it has another take.
    """
    with_voice, embeddings = compare_voices(list(gathered))
    records = {key: reference_of(_sound(group, broken)) for key, group in attempts_by_text(with_voice).items()}
    voice: VoiceFigures = {"embeddings": embeddings, "figures": _spread(records.values())}
    return Profile(dict(keys), records, voice, totals(with_voice))


def _sound(group: Sequence[Take], broken: Collection[int]) -> Sequence[Take]:
    return [take for take in group if take.attempt.id not in broken] or group


def reference_of(group: Sequence[Take], *, without: int | None = None, evidence: bool = True) -> ReferenceRecord:
    """Return the record of one text from its takes, leaving out the one at index ``without``."""
    kept = [take for index, take in enumerate(group) if index != without]
    record = ReferenceRecord(
        chunk_id=group[0].chunk.id,
        durations=[d for d in (take.attempt.duration for take in kept) if d is not None],
        token_counts=[n for n in (take.attempt.token_count for take in kept) if n is not None],
        transcripts=[t for take in kept if (t := take.payloads.or_empty("intelligibility").get("hypothesis"))],
        figures=_columns(figures_of(take) for take in kept),
    )
    if not evidence:
        return record
    values = [
        {
            detections.fault: detections.value
            for detections in detect_all(view_of(group, index))
            if detections.value is not None
        }
        for index in range(len(group))
        if index != without
    ]
    return replace(record, evidence=_columns(values))


def view_of(group: Sequence[Take], index: int, reference: ReferenceRecord | None = None) -> DetectorInput:
    """Return the view of one take.

    Without ``reference`` the figures of the other takes stand in for it, no evidence.
    """
    take = group[index]
    if reference is None and len(group) > 1:
        reference = reference_of(group, without=index, evidence=False)
    return DetectorInput(take.chunk, take.attempt, take.observations, reference, take.previous)


def compare_voices(gathered: list[Take]) -> tuple[list[Take], dict[str, list[float]]]:
    """Fill in the similarity to the voice's mean embedding where the scorer had no recording to compare with."""
    import numpy as np

    by_encoder: dict[str, list[list[float]]] = {}
    for take in gathered:
        speaker = take.payloads.or_empty(SPEAKER)
        if speaker.get("embedding") and float(speaker.get("speech_seconds") or 0.0) >= 3.0:
            by_encoder.setdefault(str(speaker.get("encoder")), []).append(speaker["embedding"])
    means: dict[str, list[float]] = {}
    for encoder, vectors in by_encoder.items():
        mean = np.median(np.asarray(vectors, np.float64), axis=0)  # a few wrong voices do not move it
        norm = float(np.linalg.norm(mean))
        if norm > 0:
            means[encoder] = [round_digits(v) for v in (mean / norm).tolist()]
    return [_with_similarity(take, means) for take in gathered], means


def _with_similarity(take: Take, means: Mapping[str, Sequence[float]]) -> Take:
    import numpy as np

    speaker = take.payloads.or_empty(SPEAKER)
    mean = means.get(str(speaker.get("encoder")))
    if not speaker.get("embedding") or speaker.get("similarity") is not None or mean is None:
        return take
    vector = np.asarray(speaker["embedding"], np.float64)
    norm = float(np.linalg.norm(vector))
    if norm == 0:
        return take
    similarity = float(vector @ np.asarray(mean)) / norm
    measurement = take.observations[SPEAKER]
    patched = replace(measurement, payload={**measurement.payload, "similarity": similarity})
    return replace(take, observations={**take.observations, SPEAKER: patched})


def totals(gathered: Sequence[Take]) -> ProfileTotals:
    """Return counts over all takes; verdicts where there are any."""
    verdicts = [take.verdict for take in gathered if take.verdict is not None]
    faulty = [v for v in verdicts if v.word is VerdictWord.FAULTY]
    by_class: dict[str, int] = {}
    for verdict in faulty:
        for name in sorted({finding.fault for finding in verdict.findings}):
            by_class[name] = by_class.get(name, 0) + 1
    return {
        "attempts": len(gathered),
        "seeds": max((sum(1 for _ in group) for group in attempts_by_text(gathered).values()), default=0),
        "judged": sum(v.word.judged for v in verdicts),
        "faulty": len(faulty),
        "faults": dict(sorted(by_class.items())),
        "failed": sum(take.attempt.outcome is not Outcome.OK for take in gathered),
        "wer": _errors(gathered, "wer", "words"),
        "cer": _errors(gathered, "cer", "characters"),
    }


def attempts_by_text(gathered: Iterable[Take]) -> dict[str, list[Take]]:
    """Return takes by text, in the order given."""
    groups: dict[str, list[Take]] = {}
    for take in gathered:
        groups.setdefault(text_key(take.chunk), []).append(take)
    return groups


def _errors(
    gathered: Iterable[Take], measure: Literal["wer", "cer"], unit: Literal["words", "characters"]
) -> ErrorTotals:
    counts = [c for take in gathered if (c := take.payloads.or_empty("intelligibility").get(measure))]
    errors, among = sum(int(c["errors"]) for c in counts), sum(int(c[unit]) for c in counts)
    return {"errors": errors, "words": among} if unit == "words" else {"errors": errors, "characters": among}


def _spread(records: Iterable[ReferenceRecord]) -> dict[str, FigureSpread]:
    """Quantiles of each figure over all texts and seeds: n, p05, median, p95."""
    import numpy as np

    pooled: dict[str, list[float]] = {}
    for record in records:
        for name, values in record.figures.items():
            pooled.setdefault(name, []).extend(v for v in values if math.isfinite(v))
    result: dict[str, FigureSpread] = {}
    for name, values in sorted(pooled.items()):
        low, middle, high = (float(q) for q in np.quantile(values, [0.05, 0.5, 0.95])) if values else (0.0, 0.0, 0.0)
        result[name] = {
            "n": len(values),
            "p05": round_digits(low),
            "median": round_digits(middle),
            "p95": round_digits(high),
        }
    return result


def _columns(rows: Iterable[Mapping[str, float | None]]) -> dict[str, list[float]]:
    columns: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None:
                columns.setdefault(name, []).append(value)
    return columns
