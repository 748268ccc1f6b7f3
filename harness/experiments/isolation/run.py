"""Language model, vocoder or loading? Stages of a variant exchanged with those of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.backends import ADAPTERS
from harness.core.errors import SoakError
from harness.core.records import Claim, Variant
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.experiments.isolation.claims import (
    DecodedResult,
    IsolationData,
    IsolationMargins,
    IsolationResult,
    isolation_claims,
    locate_fault,
)
from harness.experiments.isolation.stage_swap import Bench, unlike
from harness.experiments.isolation.table import isolation_table
from harness.experiments.isolation.weights import Problem, Weights, embeddings, weight_problems
from harness.experiments.limits import suite_limits
from harness.experiments.stage import ExperimentRun, write_results


def run_isolation(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Exchange tokens and decoders between each variant and the reference; record the claims and the tables."""
    limits = suite_limits(IsolationMargins, plan.experiment, "isolation")
    reference, asked = plan.reference, plan.variants
    results: dict[str, IsolationResult] = {}
    claims: list[Claim] = []
    with ExperimentRun(plan.beside_reference(), progress, resume) as stage:
        bench = Bench(stage, reference, limits) if reference is not None else None
        if bench is not None:
            bench.prepare()
        for variant in asked:
            data = _examine(stage, bench, variant, limits)
            claims_of_variant = isolation_claims(variant.name, data)
            claims += claims_of_variant
            results[variant.name] = _row(data, claims_of_variant, variant, bench)
        write_results(stage.run, claims, results, isolation_table(results))
        return stage.run.path


def _examine(stage: ExperimentRun, bench: Bench | None, variant: Variant, limits: IsolationMargins) -> IsolationData:
    if bench is None:
        reason = "no variant has reference = true: there is no decoder to hold this one against"
        return IsolationData(unjudged=reason, weights_reason=reason, limits=limits)
    problems, reason = _weights(variant, bench.reference)
    data = IsolationData(weights=problems, weights_reason=reason, limits=limits)
    if not hasattr(ADAPTERS.get(variant.adapter), "decode"):
        why = f"the adapter {variant.adapter!r} exposes no stages: it has no decode(tokens)"
        return replace(data, unjudged=why)
    try:
        if variant.name == bench.reference.name:
            why = "it is the reference itself, there is nothing else to hold it against"
            return replace(data, unjudged=why, own=bench.own(variant))
        if bench.unjudged:
            return replace(data, unjudged=bench.unjudged)
        why = unlike(bench.layout, bench.layout_of(variant))
        if why:
            return replace(data, unjudged=why)
        decoded = bench.decoded(variant)
        wrong = any(one.problem(limits) for one in decoded)
        return replace(
            data,
            decoded=decoded,
            diagnosis=bench.diagnose(variant) if wrong else "",
            spoken=bench.spoken(variant),
            null=bench.null,
            own=bench.own(variant),
        )
    except SoakError as error:
        stage.lost(variant, error)
        return replace(data, unloadable=str(error))


def _weights(variant: Variant, reference: Variant) -> tuple[list[Problem] | None, str]:
    """Return what is wrong with the weights; None with the reason where they cannot be read."""
    paths = [model_file(one) for one in (variant, reference)]
    if paths[0] is None or paths[1] is None:
        whose = "the variant" if paths[0] is None else "the reference"
        return None, f"weights are not readable: {whose} names no GGUF file as its model"
    if variant.name == reference.name:
        return None, "it is the reference itself, there are no other weights to hold these against"
    try:
        return weight_problems(Weights(paths[0]), Weights(paths[1])), ""
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        return None, f"weights are not readable: {paths[0].name}: {error}"


def model_file(variant: Variant) -> Path | None:
    """Return the GGUF file that a variant's settings name, if it is there."""
    path = variant.model
    return path if path is not None and path.suffix == ".gguf" and path.is_file() else None


def _row(seen: IsolationData, claims: Sequence[Claim], variant: Variant, bench: Bench | None) -> IsolationResult:
    path = model_file(variant)
    try:
        figures = embeddings(Weights(path)) if path is not None else None
    except (OSError, ValueError, KeyError, NotImplementedError):
        figures = None  # the claim on the weights says why
    return IsolationResult(
        places=[place.value for place in locate_fault(seen)[0]],
        why=claims[0].statement,
        diagnosis=seen.diagnosis,
        decoded=[DecodedResult.of(one, seen.limits) for one in seen.decoded],
        own=[DecodedResult.of(one, seen.limits) for one in seen.own],
        spoken=seen.spoken,
        null=seen.null,
        embeddings=figures,
        claims={claim.name: (claim.passed, claim.statement) for claim in claims},
        wer=bench.wer(variant) if bench is not None and seen.spoken else None,
    )
