"""What would have been noticed on this voice? Clean twins and injected copies of them, class by class."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.core.errors import ConfigError, SoakError, nearest
from harness.core.records import Arm, Claim, ScorerOptions, Variant
from harness.engine.plan import Plan
from harness.engine.progress import Progress, Tick
from harness.experiments.sensitivity import Twin, recall_rows
from harness.experiments.sensitivity.claims import recall_claims
from harness.experiments.sensitivity.copies import TrialSetting, attempt_all, copies_of
from harness.experiments.sensitivity.figures import alarms, from_json, recall_rows_json
from harness.experiments.sensitivity.settings import CleanAlarm, SensitivityResult, SensitivitySettings, checked
from harness.experiments.sensitivity.spoken import as_judged, recordings, references, takes_of_variant, twins
from harness.experiments.sensitivity.table import sensitivity_tables
from harness.experiments.stage import ExperimentRun, write_results
from harness.store import Run
from harness.verdicts import Limits, Priors
from harness.verdicts.calibration import calibrate_takes
from harness.verdicts.profile import Profile, conditions, text_key
from harness.verdicts.profile.build import attempts_by_text
from harness.verdicts.this_run import LEAST_CHUNKS


@dataclass
class VariantUnderTest:
    """One variant as it was spoken, and what it is judged by."""

    variant: Variant
    twins: list[Twin]
    limits: Limits
    said: str  # where the limits come from
    embeddings: Mapping[str, Sequence[float]]


def run_sensitivity(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak the texts, inject every class into the clean ones, and record recall and false alarms."""
    table = checked(plan.experiment)
    results: dict[str, SensitivityResult] = {}
    claims: list[Claim] = []
    shown: list[str] = []
    with ExperimentRun(plan, progress, resume) as stage:
        for variant in plan.variants:
            try:
                profile, limits = _speak(stage, variant, table)
            except SoakError as error:
                stage.lost(variant, error)
                continue
            voice = voice_of(stage.run, variant, profile, limits, table)
            result, recall = measure_recall(voice, plan.scorers, table, progress)
            results[variant.name] = {**result, "corpus": plan.corpus.name}
            claims += recall
            shown += [
                f"**{variant.name}**, limits: {voice.said}",
                "",
                *_tables(result),
                "",
            ]
        write_results(stage.run, claims, results, "\n".join(shown))
        return stage.run.path


def from_run(
    path: Path,
    variant: Variant,
    given: Mapping[str, object],
    progress: Progress,
    only: Sequence[str] | None = None,
) -> Path:
    """Inject into what a run has spoken already; ``sensitivity.json`` and ``sensitivity.md`` beside its journal.

    ``only``: of the run's scorers, and the classes that rest on them. Raises ConfigError where the run holds no speech
    of the variant, or was not scored by one of these.
    """
    table = checked({"sensitivity": given})
    profile = Profile.load(variant.profile) if variant.profile is not None and variant.profile.exists() else None
    calibrated = variant.calibration is not None and variant.calibration.exists()
    limits = Limits.load(variant.calibration) if calibrated and variant.calibration else Limits.default()
    with Run.open(path) as run:
        voice = voice_of(run, variant, profile, limits, table)
        if not voice.twins:
            raise ConfigError(f"{path.name}: holds no speech of {variant.name}")
        result, _ = measure_recall(voice, _scorers_of(run, only), table, progress)
        result["corpus"] = run.corpus_name
    (path / "sensitivity.json").write_text(json.dumps({variant.name: result}, indent=1), encoding="utf-8")
    (path / "sensitivity.md").write_text("\n".join(_tables(result)) + "\n", encoding="utf-8")
    return path / "sensitivity.md"


def _scorers_of(run: Run, only: Sequence[str] | None) -> dict[str, ScorerOptions]:
    scorers = run.manifest["scorers"]
    for name in only or ():
        if name not in scorers:
            raise ConfigError(f"{run.path.name}: was not scored by {name!r}{nearest(name, scorers)}")
    return {name: options for name, options in scorers.items() if only is None or name in only}


def _tables(result: SensitivityResult) -> list[str]:
    return sensitivity_tables(from_json(result["rows"]), result["alarms"])


# ------------------------------------------------------------------------------------------------- clean speech
def _speak(stage: ExperimentRun, variant: Variant, table: SensitivitySettings) -> tuple[Profile | None, Limits]:
    """Every text once, and again with other seeds where there is no profile or limits are to be fitted."""
    soak = stage.soak(variant)
    soak.speak()
    if soak.profile is not None and not table.calibrate:
        return soak.profile, soak.judge.limits
    for take in range(1, table.takes):
        stage.speak_takes(variant, Arm.REFERENCE, [take], {"take": take}, title=f"take {take + 1} of {table.takes}")
    stage.assessor.drain()
    return soak.profile, soak.judge.limits


def voice_of(
    run: Run, variant: Variant, profile: Profile | None, limits: Limits, table: SensitivitySettings
) -> VariantUnderTest:
    """Return clean twins of what ``run`` holds; with ``calibrate`` half of the texts fit the limits instead."""
    takes, embeddings = takes_of_variant(run, variant.name, profile)
    said = _source(limits, sum(take.attempt.arm == Arm.SOAK for take in takes))
    chosen = takes
    if table.calibrate:
        fit_texts = _half(sorted(attempts_by_text(takes)), table.seed)
        fit = [take for take in takes if text_key(take.chunk) in fit_texts]
        chosen = [take for take in takes if text_key(take.chunk) not in fit_texts]
        keys = conditions(run, variant.name, fit)
        limits, _, _ = calibrate_takes(fit, keys, budget=table.budget, seed=table.seed)
        path = calibration_path(variant)
        limits.save(path)
        said = f"limits fitted on {len(fit)} takes of {len(fit_texts)} other texts (written to {path.name})"
    others = recordings(Path(table.other), variant) if table.other else []
    clean = as_judged(twins(run, variant, chosen, references(takes, profile), others), Priors.shipped())
    return VariantUnderTest(variant, clean, limits, said, embeddings)


def _half(keys: Sequence[str], seed: int) -> set[str]:
    chosen = np.random.default_rng(seed).permutation(len(keys))[: len(keys) // 2]
    return {keys[i] for i in chosen}


def _source(limits: Limits, chunks: int) -> str:
    fitted = limits.fitted
    if not fitted.get("takes"):
        if chunks >= LEAST_CHUNKS:
            return f"what the run's own {chunks} chunks allow each other, and healthy voices where they show nothing"
        return f"healthy voices, not fitted on this voice ({chunks} chunks are too few)"
    return f"limits fitted on {fitted['takes']} takes of {fitted.get('texts', '?')} texts"


def calibration_path(variant: Variant) -> Path:
    """Return where the limits of a voice are written: what the variant names, else beside its file."""
    if variant.calibration is not None:
        return variant.calibration
    folder = Path(variant.source).parent if variant.source else Path()
    return folder / f"{variant.name}.calibration.json"


# ------------------------------------------------------------------------------------------------- injected copies
def measure_recall(
    voice: VariantUnderTest, scorers: Mapping[str, ScorerOptions], table: SensitivitySettings, progress: Progress
) -> tuple[SensitivityResult, list[Claim]]:
    """Return recall by class and dose on the clean twins, alarms on all of them, and what is claimed of both."""
    name = voice.variant.name
    setting = TrialSetting(voice.variant, voice.limits, scorers, table.seed, voice.embeddings)
    with setting.trials() as trials:
        clean = {name: [trials.clean(twin) for twin in voice.twins]}
        began = time.monotonic()

        def tick(fault: str, done: int, total: int) -> None:
            seconds = time.monotonic() - began
            progress.tick(Tick(name, "injecting", done, total, seconds=seconds, chunk_id=fault))

        clips = copies_of(trials, list(zip(voice.twins, clean[name], strict=True)), table)
        rows = recall_rows(attempt_all(trials, clips, minutes=table.minutes, tick=tick, setting=setting))
        alarmed: list[CleanAlarm] = [
            {"chunk": twin.chunk.id, "why": list(trials.clean_details(twin))}
            for twin, names in zip(voice.twins, clean[name], strict=True)
            if names
        ]
    result: SensitivityResult = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "seed": table.seed,
        "texts": len(voice.twins),
        "limits": voice.said,
        "limits_key": voice.limits.key,
        "scorers": dict(scorers),
        "alarms": alarms(clean),
        "rows": recall_rows_json(rows),
        "clean": alarmed,
    }
    return result, recall_claims(name, rows, clean, table.recall_min, table.alarms_max)
