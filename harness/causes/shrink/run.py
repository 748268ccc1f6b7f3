"""A shrink as a run of its own: planned from the run that it follows, journalled, resumed, and reported."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from harness.causes.budget import Budget, BudgetSpent
from harness.causes.portable import without_paths
from harness.causes.runs import FOLDER, runs_of_suite
from harness.causes.shrink.files import failing_command, write_inputs
from harness.causes.shrink.outcome import ShrinkOutcome, outcome_of, outcome_table
from harness.causes.shrink.questions import Asker, Question
from harness.causes.shrink.search import Search
from harness.causes.standard import RunStandard, limits_for_one, shown_alone
from harness.causes.target import CauseTarget, NothingToFind, find_target, living_variant
from harness.core.documents import read_json
from harness.core.errors import ConfigError
from harness.core.records import Claim, Corpus, Variant, corpus_checksum
from harness.engine.engine import Engine, Standard
from harness.engine.fingerprint import changed_inputs, fingerprint
from harness.engine.plan import Confirmation, Plan
from harness.engine.progress import Progress
from harness.experiments.stage import RESULTS, ExperimentRun, write_results
from harness.store import Run, redact_json
from harness.store.manifest import FingerprintPart, fingerprint_part
from harness.verdicts import Limits

SUITE = "shrink"
_SAME: tuple[FingerprintPart, ...] = (
    "models",
    "settings",
    "files",
)  # parts of the fingerprint that make speech the same speech


@dataclass(frozen=True)
class ShrinkRequest:
    """What is asked for: a chunk of a run, and how much may be spent on it."""

    run: Path
    chunk: str
    reports: Path
    variant: str | None = None
    fault: str | None = None
    variants: Path | None = None  # the file, where it is not the one that the run names
    minutes: float = 0.0  # 0: no limit
    seeds: int = 20
    resume: bool = False


def run_shrink(asked: ShrinkRequest, progress: Progress) -> tuple[Path, ShrinkOutcome]:
    """Shrink the finding of a chunk; returns the directory of the shrink and what it came to.

    Raises NothingToFind for a clean chunk and for a fault that does not come back; ConfigError for what cannot be
    asked: no such chunk, a recording, a backend that is away or that is not the same any more.
    """
    target = find_target(asked.run, asked.chunk, asked.variant, asked.fault)
    variant = living_variant(target, asked.variants)
    plan = _plan(asked, target, variant)
    _refuse_changes(target, plan)
    standard = replace(Engine(plan).standards()[variant.name], limits=target.limits)
    plan = replace(plan, variants=(replace(variant, retries=0),))
    before = _earlier_run(plan) if asked.resume else None
    with ExperimentRun(plan, progress, before, {variant.name: standard}) as stage:
        try:
            return stage.run.path, _carried_out(asked, target, stage, standard)
        except NothingToFind as error:
            claim = Claim("cause", variant.name, f"nothing to find: {error}", True)
            write_results(stage.run, [claim], {"nothing": str(error)}, f"{error}\n")
            raise


def _carried_out(asked: ShrinkRequest, target: CauseTarget, stage: ExperimentRun, standard: Standard) -> ShrinkOutcome:
    """Search, and write the files of what it came to."""
    (variant,), began, complete = stage.plan.variants, time.monotonic(), True
    judge, budget = RunStandard(target, standard.profile), Budget(asked.minutes)
    asker = Asker(stage.soak(variant), judge, target.finding.fault, budget)
    search = Search(asker, target, asked.seeds, stage.progress.say)
    try:
        search.run()
    except BudgetSpent:
        complete = False
        stage.progress.say(f"{asked.minutes:g} minutes are over; go on with --resume")
    run = stage.run
    questions = len({str(event.data["question"]) for event in run.events("question")})
    outcome = outcome_of(target, search.best, complete, run.attempt_count(), questions, time.monotonic() - began)
    limits, fails = _alone(asker, search, target) if complete else (target.limits, False)
    write_inputs(run.path, outcome, limits)
    why_not = "" if fails else _why_not(complete, search)
    command = failing_command(run.path, outcome, variant, stage.plan.scorers)
    outcome = outcome.model_copy(update={"command": command, "fails": fails, "why_not": why_not})
    claim = Claim("cause", variant.name, outcome.sentence, False, count=outcome.requests)
    write_results(run, [claim], outcome.model_dump(mode="json"), outcome_table(outcome))
    return outcome


def _alone(asker: Asker, search: Search, target: CauseTarget) -> tuple[Limits, bool]:
    """Limits that judge the smallest input by itself as the run would, and whether it is faulty by them.

    Nothing is asked anew: the attempt that showed it is in the journal.
    """
    best = search.best
    question = Question(best.chunk, (best.seed,), best.earlier)
    if best.seed != target.attempt.seed or best.test is not None:
        question = Question(best.chunk, search.others)
    for case in asker.cases(question):
        if case is not None and (case.attempt.seed == best.seed or best.seed is None):
            judged = asker.standard.judge(case)
            limits = limits_for_one(target.limits, judged.own)
            if judged.shows(target.finding.fault):
                return limits, target.finding.fault in shown_alone(case, limits)
    return target.limits, False


def _why_not(complete: bool, search: Search) -> str:
    if not complete:
        return "not checked: the minutes were over"
    if search.best.seed is None and search.best.bound_to == "seed":
        return f"the backend takes no seed: it fails in {search.best.rate} tries"
    return "its finding rests on the run's other chunks, so that this command alone may pass"


def _plan(asked: ShrinkRequest, target: CauseTarget, variant: Variant) -> Plan:
    """Return the plan of the shrink: the chunk, what was spoken before it, and the scorers that its fault rests on."""
    earlier = {one.chunk.id: one.chunk for one in target.earlier}
    chunks = tuple({**earlier, target.chunk.id: target.chunk}.values())
    scorers = target.fault_scorers
    table = {"run": target.run_id, "chunk": target.chunk.id, "fault": target.finding.fault, "seeds": asked.seeds}
    with Run.open(target.run) as run:
        corpus = run.manifest["corpus"]
    return Plan(
        suite=SUITE,
        corpus=Corpus(str(corpus["name"]), chunks, corpus_checksum(chunks), str(corpus.get("source", ""))),
        variants=(variant,),
        selection={variant.name: tuple(chunk.id for chunk in chunks)},
        reports=asked.reports / FOLDER,
        scorers=scorers,
        experiment={SUITE: table},
        confirmation=Confirmation(enabled=False),
        quiet_chunks=0,
        left_out=tuple(name for name in target.scorers if name not in scorers),
    )


def _refuse_changes(target: CauseTarget, plan: Plan) -> None:
    """Raise ConfigError, naming what changed, where the variant is not the one that the run spoke with.

    Where its files lie does not matter, nor do limits and profile: the judging is by those of the run.
    """
    with Run.open(target.run) as run:
        before = run.manifest.get("fingerprint")
    now = redact_json(fingerprint(plan))
    (variant,) = plan.variants
    standards = {path.name for path in (variant.calibration, variant.profile) if path is not None}
    changed = [
        f"{part}.{change}"
        for part in _SAME
        for change in changed_inputs(
            _of_speech(fingerprint_part(before, part).get(variant.name), standards),
            _of_speech(fingerprint_part(now, part).get(variant.name), standards),
        )
    ]
    if changed:
        raise ConfigError(f"{target.run_id}: {variant.name} is not what it was then, changed: {', '.join(changed)}")


def _of_speech(part: object, standards: set[str]) -> object:
    """Return a part of a fingerprint without places, and without the hashes of files that only judge."""
    plain = without_paths(part)
    if not isinstance(plain, dict) or not any(Path(name).name in standards for name in plain):
        return plain
    return {name: value for name, value in plain.items() if name != "all" and Path(name).name not in standards}


def _earlier_run(plan: Plan) -> Path:
    """Return the newest unfinished shrink of the same finding. Raises ConfigError where there is none."""
    for path, manifest in runs_of_suite(plan.reports, SUITE):
        if manifest["experiment"] == dict(plan.experiment) and not _complete(path):
            return path
    raise ConfigError(f"{plan.reports}: no shrink of this finding to go on with")


def _complete(path: Path) -> bool:
    results = path / RESULTS
    return results.is_file() and bool(read_json(results, "results").get("complete", True))
