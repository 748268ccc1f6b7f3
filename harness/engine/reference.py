"""Record a reference: every chunk with several seeds, then its profile and the limits of its voice."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from harness.core.errors import ConfigError
from harness.core.records import Arm, Corpus, Variant
from harness.core.suites import SCORERS
from harness.core.variants import load_variants
from harness.engine.assessor import ScoringPipeline
from harness.engine.engine import Engine
from harness.engine.plan import Plan, choose_variants, scorers_for
from harness.engine.preflight import refuse
from harness.engine.progress import Progress, Tick
from harness.engine.session import PlannedRequest
from harness.engine.soak import Soak
from harness.store import Run
from harness.verdicts import Limits, VerdictPolicy
from harness.verdicts.calibration import calibrate


def record_reference(
    variants: Path,
    name: str,
    corpus: Corpus,
    seeds: int,
    asr: str | None,
    reports: Path,
    progress: Progress,
    resume: Path | None = None,
) -> list[Path]:
    """Speak the corpus ``seeds`` times, each take a living session of its own; return the files written.

    ``resume`` is the directory of an interrupted recording; what it holds is not spoken or scored again.
    Raises ConfigError when the variant names no place for its profile and calibration, ResumeRefused when something
    changed meanwhile.
    """
    plan, variant = _plan(variants, name, corpus, asr, reports)
    assert variant.profile is not None
    assert variant.calibration is not None
    refuse(plan)
    engine = Engine(plan, progress)
    run = engine.begin(resume)
    status = "interrupted"
    try:
        _speak(run, plan, variant, seeds, progress)
        limits, profile = calibrate(run, variant)
        profile.save(variant.profile)
        limits.save(variant.calibration)
        status = "finished"
    finally:
        run.finish(status)
        run.close()
    return [variant.profile, variant.calibration]


def _plan(variants: Path, name: str, corpus: Corpus, asr: str | None, reports: Path) -> tuple[Plan, Variant]:
    (variant,) = choose_variants(load_variants(variants), [name], "profile")
    if variant.profile is None or variant.calibration is None:
        raise ConfigError(f"{variants}: variants.{name}: 'profile' and 'calibration' must say where to write them")
    return Plan(
        suite="profile",
        corpus=corpus,
        variants=(variant,),
        selection={name: tuple(chunk.id for chunk in corpus.chunks)},
        reports=reports,
        scorers=scorers_for([variant], SCORERS, asr),
        reference=variant,
    ), variant


def _speak(run: Run, plan: Plan, variant: Variant, seeds: int, progress: Progress) -> None:
    assessor = ScoringPipeline(run, plan)
    judge = VerdictPolicy(Limits.default())
    chunks = plan.chunks(variant)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="tts-soak-") as workdir,
            Soak(plan, run, variant, judge, None, assessor, progress, Path(workdir)) as soak,
        ):
            for take in range(seeds):
                began = time.monotonic()
                turns = [PlannedRequest(chunk, take=take) for chunk in chunks]
                spoken = soak.speak_apart(Arm.REFERENCE, turns, {"take": take})
                for count, (attempt, chunk, layout) in enumerate(spoken, 1):
                    assert attempt.id is not None
                    if not set(plan.scorers) <= set(run.observations(attempt.id)):
                        soak.submit(attempt, chunk, layout, None)
                    assessor.collect()
                    stage = f"take {take + 1} of {seeds}"
                    progress.tick(Tick(variant.name, stage, count, len(chunks), seconds=time.monotonic() - began))
            assessor.drain()
    finally:
        assessor.close()
