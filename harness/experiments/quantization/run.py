"""What a quantization costs: the family against its reference, same texts and seeds, with a null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.core.errors import ConfigError, SoakError
from harness.core.records import (
    Arm,
    Attempt,
    Chunk,
    Claim,
    Measurement,
    Outcome,
    Payloads,
    Variant,
    Verdict,
    VerdictWord,
)
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.experiments.determinism.identity import first_difference
from harness.experiments.limits import suite_limits
from harness.experiments.quantization import divergence
from harness.experiments.quantization.claims import QuantizationMargins, quantization_claims
from harness.experiments.quantization.metrics import QuantizationMetrics, QuantizationRow, quantization_metrics
from harness.experiments.quantization.table import quantization_table
from harness.experiments.stage import ExperimentRun, mel_distance, write_results
from harness.scorers import MOS_PREDICTORS
from harness.scorers.speaker import cosine
from harness.store import Run

NULL = "other seeds"
_NULL_TAKE = 1


@dataclass
class _Voice:
    """One arm of the comparison with its rows; ``attempts`` and ``embeddings`` by chunk id."""

    attempts: dict[str, Attempt]
    observations: dict[str, dict[str, Measurement]]
    verdicts: Mapping[int, Verdict]

    def payloads(self, chunk_id: str) -> Payloads:
        """Return what the scorers saw of a chunk, with its types."""
        return Payloads(self.observations[chunk_id])


def run_quantization(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak the chunks with every variant and twice with the reference; record figures and claims."""
    margins = suite_limits(QuantizationMargins, plan.experiment, plan.suite)
    reference = plan.reference
    if reference is None:
        raise ConfigError("the quantization suite needs one variant with reference = true")
    plan = plan.beside_reference()
    with ExperimentRun(plan, progress, resume) as stage:
        fed = plan.chunks(reference)[: margins.divergence_chunks]
        spoken = [
            variant
            for variant in plan.variants
            if _speak(stage, variant, divergence.noting(variant, fed) if variant is reference else {})
        ]
        if reference not in spoken:
            raise SoakError(f"{reference.name}: the reference was not spoken, so there is nothing to compare with")
        _null(stage, reference)
        compared = [variant for variant in spoken if variant is not reference]
        results, claims = _conclude(stage, reference, compared, margins)
        apart = divergence.feed(stage, reference, compared, fed)
        for name, one in apart.items():
            results[name] = replace(results[name], divergence=one if not isinstance(one, str) else None)
        claims += divergence.divergence_claims(reference, compared, results, apart, margins.divergence_max)
        write_results(stage.run, claims, results, quantization_table(results, apart, stage.run))
        return stage.run.path


def _speak(stage: ExperimentRun, variant: Variant, overrides: Mapping[str, Mapping[str, object]]) -> bool:
    try:
        stage.soak(variant).speak(overrides)
    except SoakError as error:
        if stage.run.attempts(variant=variant.name):
            raise
        stage.lost(variant, error)
        return False
    return True


def _null(stage: ExperimentRun, reference: Variant) -> None:
    """Speak the reference once more with other seeds: what differs between these two is chance."""
    stage.speak_takes(reference, Arm.REFERENCE, [_NULL_TAKE], {"null": True}, title=NULL)
    stage.assessor.drain()


def _conclude(
    stage: ExperimentRun, reference: Variant, others: Sequence[Variant], margins: QuantizationMargins
) -> tuple[dict[str, QuantizationMetrics], list[Claim]]:
    run, seed = stage.run, reference.seed
    base = _voice(run, reference.name, Arm.SOAK)
    chunks = stage.plan.chunks(reference)
    heard = {chunk.id for chunk in chunks[: margins.mel_chunks]}
    rows0 = [_row(run, base, base, chunk, set()) for chunk in chunks]
    other_seeds = _voice(run, reference.name, Arm.REFERENCE)
    rows1 = [_row(run, other_seeds, base, chunk, heard) for chunk in chunks]
    null = quantization_metrics(rows1, rows0, seed=seed)
    metrics = {reference.name: quantization_metrics(rows0, rows0, seed=seed), f"{reference.name}, {NULL}": null}
    claims: list[Claim] = []
    for variant in others:
        voice = _voice(run, variant.name, Arm.SOAK)
        rows = [_row(run, voice, base, chunk, heard) for chunk in stage.plan.chunks(variant)]
        metrics[variant.name] = quantization_metrics(rows, rows0, rows1, seed=seed)
        claims += quantization_claims(variant.name, metrics[variant.name], null, margins)
    sized = {
        name: replace(figures, model_bytes=run.model_bytes(name.removesuffix(f", {NULL}")))
        for name, figures in metrics.items()
    }
    return sized, claims


def _voice(run: Run, name: str, arm: str) -> _Voice:
    attempts = {attempt.chunk_id: attempt for attempt in run.attempts(variant=name, arm=arm)}
    observations = {key: run.observations(a.id) for key, a in attempts.items() if a.id is not None}
    return _Voice(attempts, observations, run.verdicts(variant=name, arm=arm))


def _row(run: Run, voice: _Voice, base: _Voice, chunk: Chunk, heard: set[str]) -> QuantizationRow:
    attempt, other = voice.attempts.get(chunk.id), base.attempts.get(chunk.id)
    if attempt is None:
        return QuantizationRow(chunk.id, ok=False)
    tokens = voice.payloads(chunk.id).or_empty("tokens")
    books = tokens.get("codebooks") or []
    wer = voice.payloads(chunk.id).or_empty("intelligibility").get("wer") or {}
    verdict = voice.verdicts.get(attempt.id) if attempt.id is not None else None
    judged = verdict is not None and verdict.word.judged
    return QuantizationRow(
        chunk.id,
        ok=attempt.outcome is Outcome.OK,
        tokens=attempt.token_count,
        cap_hit=tokens.get("cap_hit"),
        unique=tuple(book["unique"] for book in books),
        entropy=tuple(bits for book in books if (bits := book["entropy_bits"]) is not None),
        errors=wer.get("errors"),
        words=wer.get("words"),
        faulty=verdict.word is VerdictWord.FAULTY if judged and verdict is not None else None,
        duration=attempt.duration,
        wall_seconds=attempt.wall_seconds,
        peak_rss=attempt.peak_rss_bytes,
        divergence=_divergence(attempt, other),
        similarity=_similarity(voice, base, chunk.id) if voice is not base else None,
        mel_db=mel_distance(run, attempt, other) if chunk.id in heard else None,
        mos=next((p.get("overall") for name in MOS_PREDICTORS if (p := voice.payloads(chunk.id).or_empty(name))), None),
    )


def _divergence(attempt: Attempt, other: Attempt | None) -> int | None:
    if other is None or attempt.tokens is None or other.tokens is None:
        return None
    return first_difference(attempt.tokens.reshape(-1).tolist(), other.tokens.reshape(-1).tolist())


def _similarity(voice: _Voice, base: _Voice, chunk_id: str) -> float | None:
    """Cosine of the two renditions' speaker embeddings."""
    if chunk_id not in base.observations:
        return None
    a, b = (side.payloads(chunk_id).or_empty("speaker").get("embedding") for side in (voice, base))
    return None if a is None or b is None else cosine(a, b)
