"""Feed the reference's own speech to every variant of the family."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from harness.backends import ADAPTERS
from harness.core.errors import SoakError
from harness.core.records import Arm, Chunk, Claim, Outcome, Variant
from harness.engine.progress import Tick
from harness.experiments.divergence import Divergence, Generation, NotMeasured, Slot, measure_divergence
from harness.experiments.quantization.metrics import QuantizationMetrics
from harness.experiments.quantization.rank_correlation import divergence_claim, foretelling, not_measured
from harness.experiments.stage import ExperimentRun
from harness.store import Run

NOTING = "note_ids"  # the setting that has an adapter note the ids of its prompts and generations


def noting(variant: Variant, chunks: Sequence[Chunk]) -> dict[str, Mapping[str, object]]:
    """Return what the requests of these chunks are to ask for, where the adapter can."""
    able = NOTING in getattr(ADAPTERS.get(variant.adapter), "OVERRIDES", ())
    return {chunk.id: {NOTING: True} for chunk in chunks} if able else {}


def feed(
    stage: ExperimentRun, reference: Variant, variants: Sequence[Variant], chunks: Sequence[Chunk]
) -> dict[str, Divergence | str]:
    """Return the divergence of each variant, or why it is not known; the reference's own must be 0: a check."""
    every = (reference, *variants)
    try:
        generations, slots = reference_generations(stage.run, reference, chunks)
        base = _model(reference)
    except SoakError as why:
        return {variant.name: str(why) for variant in every}
    by_variant: dict[str, Divergence | str] = {}
    began = time.monotonic()
    for count, variant in enumerate(every, 1):
        try:
            by_variant[variant.name] = measure_divergence(
                base, _model(variant), generations, slots, seed=reference.seed
            )
        except SoakError as why:
            by_variant[variant.name] = str(why)
        seconds = time.monotonic() - began
        stage.progress.tick(Tick(variant.name, "divergence", count, len(every), seconds=seconds))
    return by_variant


def reference_generations(
    run: Run, reference: Variant, chunks: Sequence[Chunk], arm: str = Arm.SOAK
) -> tuple[list[Generation], list[Slot]]:
    """Return what the reference generated for these chunks, and what its token ids mean. Raises NotMeasured."""
    wanted = {chunk.id for chunk in chunks}
    attempts = [
        attempt
        for attempt in run.attempts(variant=reference.name, arm=arm)
        if attempt.chunk_id in wanted and attempt.outcome is Outcome.OK
    ]
    generations = [
        Generation(attempt.chunk_id, tuple(one["prompt"]), tuple(one["tokens"]))
        for attempt in attempts
        for one in attempt.noted.get("generations", [])
    ]
    if not generations:
        raise NotMeasured(f"the adapter {reference.adapter} does not note the token ids of what it asks and generates")
    for session in {attempt.session for attempt in attempts}:
        for epoch in run.epochs(session):
            named = epoch.capabilities.get("details", {}).get("token_slots")
            if named:
                return generations, _slots(TypeAdapter(dict[str, dict[str, list[int]]]).validate_python(named))
    raise NotMeasured(f"the adapter {reference.adapter} does not say what its token ids mean")


def divergence_claims(
    reference: Variant,
    variants: Sequence[Variant],
    found: Mapping[str, QuantizationMetrics],
    fed: Mapping[str, Divergence | str],
    most: float,
) -> list[Claim]:
    """Return one a variant, and whether divergence foretells what was heard.

    ``found``: figures with ``divergence`` added.
    """
    claims_of_all = []
    for variant in variants:
        one = fed[variant.name]
        if isinstance(one, str):
            claims_of_all.append(not_measured(variant.name, one, most))
        else:
            claims_of_all.append(divergence_claim(variant.name, one, most))
    heard = {variant.name: found[variant.name] for variant in variants}
    return claims_of_all + foretelling(reference.name, heard, seed=reference.seed)


def _slots(named: Mapping[str, Mapping[str, Sequence[int]]]) -> list[Slot]:
    return [
        Slot(name, int(first), int(count), speech=kind == "speech")
        for kind in ("speech", "control")
        for name, (first, count) in named.get(kind, {}).items()
    ]


def _model(variant: Variant) -> Path:
    path = variant.model
    if path is None or not path.is_file():
        raise NotMeasured(f"{variant.name} names no model file")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise NotMeasured(f"{path.name} is no GGUF file")
    return path
