"""Is what a chunk sounds like bound to its text and seed alone? State, sampling or arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.core.errors import SoakError
from harness.core.records import Attempt, Claim, Variant
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.experiments.determinism.arms import (
    COMPARED,
    FRESH,
    FRESH_AGAIN,
    LATER,
    LONGER,
    SHORTER,
    ArmRunner,
    Probe,
    Setup,
    choose_probes,
)
from harness.experiments.determinism.claims import (
    DeterminismResult,
    arm_figures,
    determinism_claims,
    determinism_table,
)
from harness.experiments.determinism.identity import (
    ArmComparison,
    DeterminismData,
    Rendition,
    compare_synthesis,
    content,
    decide_determinism,
    same_bytes,
)
from harness.experiments.stage import ExperimentRun, mel_distance, write_results
from harness.store import Run
from harness.text import default_normaliser, normaliser

Arms = Mapping[str, Mapping[str, Attempt]]  # arm -> chunk id -> attempt


def run_determinism(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak every arm for each variant, compare, and record the claims; returns the run directory."""
    setup = Setup.read(plan.experiment.get("determinism", {}))
    with ExperimentRun(plan, progress, resume) as stage:
        claims: list[Claim] = []
        results: dict[str, DeterminismResult] = {}
        for variant in plan.variants:
            probes, session = choose_probes(plan.chunks(variant), setup)
            speaker = ArmRunner(stage, variant, setup)
            try:
                speaker.speak(probes, session)
            except SoakError as error:
                stage.lost(variant, error)
                continue
            conclusion, rows = _conclude(stage.run, variant, probes, plan, setup, speaker.missing)
            claims += conclusion
            results[variant.name] = rows
        write_results(stage.run, claims, results, determinism_table(results))
        return stage.run.path


def _conclude(
    run: Run, variant: Variant, probes: Sequence[Probe], plan: Plan, setup: Setup, missing: Mapping[str, str]
) -> tuple[list[Claim], DeterminismResult]:
    arms: dict[str, dict[str, Attempt]] = {FRESH: {}}
    every = run.attempts(variant=variant.name)
    for attempt in every:
        arms.setdefault(attempt.arm, {})[attempt.chunk_id] = attempt
    compared = {arm: _compare_arm(run, arms[FRESH], arms.get(arm, {}), arm) for arm in COMPARED}
    texts = {chunk.id: chunk.text for chunk in plan.corpus.chunks}
    renditions = [comparisons for attempt in every if (comparisons := Rendition.of(attempt)) is not None]
    heard = content(_pairs(run, arms, probes, compared), seed=variant.seed)
    data = DeterminismData(
        fresh=compared[FRESH_AGAIN],
        later=[c for arm in LATER for c in compared[arm]],
        content=heard,
        collisions=same_bytes(renditions, texts),
        texts=len({rendition.chunk_id for rendition in renditions}),
        tie_max=setup.tie_max,
        alpha=setup.alpha,
    )
    word, why = decide_determinism(data)
    result = DeterminismResult(
        word=word.value,
        why=why,
        arms={arm: arm_figures(comparisons) for arm, comparisons in compared.items()},
        not_available=dict(missing),
        content=heard,
        reload_every=setup.reload_every,
    )
    return determinism_claims(variant.name, word, why, data, compared, result), result


def _compare_arm(run: Run, fresh: Mapping[str, Attempt], other: Mapping[str, Attempt], arm: str) -> list[ArmComparison]:
    comparisons = []
    for chunk_id, attempt in other.items():
        if chunk_id not in fresh:
            continue
        a, b = Rendition.of(fresh[chunk_id]), Rendition.of(attempt)
        if a is None or b is None:
            continue
        if a.pcm is not None and a.pcm == b.pcm:
            comparisons.append(compare_synthesis(a, b, arm, same_words=True))
            continue
        words = [_transcript(run, one) for one in (fresh[chunk_id], attempt)]
        same_words = None if None in words else words[0] == words[1]
        comparisons.append(
            compare_synthesis(a, b, arm, mel_db=mel_distance(run, fresh[chunk_id], attempt), same_words=same_words)
        )
    return comparisons


def _transcript(run: Run, attempt: Attempt) -> str | None:
    assert attempt.id is not None
    return run.payloads(attempt.id).or_empty("intelligibility").get("hypothesis")


def _pairs(
    run: Run, arms: Arms, probes: Sequence[Probe], compared: Mapping[str, Sequence[ArmComparison]]
) -> list[tuple[str, str, str]]:
    """(own text, previous text, transcript) of every probe spoken after another text, normalised alike.

    What is heard in the fresh rendition too is no trace of the text before, so it counts as the probe's own; a
    rendition with the samples of the fresh one holds no trace at all.
    """
    same = {(c.arm, c.chunk_id) for comparisons in compared.values() for c in comparisons if c.same_pcm}
    pairs = []
    for probe in probes:
        plain = normaliser(default_normaliser(probe.chunk.language))
        fresh = arms[FRESH].get(probe.chunk.id)
        for arm, before in ((LONGER, probe.longer), (SHORTER, probe.shorter)):
            attempt = arms.get(arm, {}).get(probe.chunk.id)
            if attempt is None or fresh is None:
                continue
            own = plain(probe.chunk.text)
            if (arm, probe.chunk.id) in same:
                pairs.append((own, plain(before.text), own))
            elif (text := _transcript(run, attempt)) is not None:
                pairs.append((f"{own} {_transcript(run, fresh) or ''}", plain(before.text), text))
    return pairs
