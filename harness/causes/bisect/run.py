"""Bisect a variant against its reference: its tensors where the models differ, else its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.causes.bisect.model_file import GgufModel, refuse_other_model
from harness.causes.bisect.settings import (
    SettingsBisect,
    SettingsReport,
    differing_settings,
    settings_claims,
    settings_results,
)
from harness.causes.bisect.table import bisect_results, bisect_table, settings_table
from harness.causes.bisect.tensors import BisectTexts, ModelPair, TensorBisect
from harness.causes.bisect.verdict import BisectReport, bisect_claims
from harness.causes.budget import Budget, BudgetSpent
from harness.causes.runs import runs_of_suite
from harness.core.errors import ConfigError, refuse_unknown
from harness.core.records import Chunk, Variant
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.experiments.quantization.divergence import noting
from harness.experiments.stage import ExperimentRun, write_results

SUITE = "bisect"


@dataclass(frozen=True, slots=True)
class BisectSettings:
    """What a bisect is asked for. ``margin``: fault rate beyond the reference's that still is restored."""

    generations: int = 4  # texts whose tokens of the reference are fed to every hybrid
    search: int = 40  # texts that are listened to in the search; 0: nobody listens
    verify: int = 60  # further texts on which the answer is verified
    share: float = 0.1  # of the divergence that may stay
    margin: float = 0.02

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> BisectSettings:
        """Read the table ``bisect`` of a plan. Raises ConfigError for a wrong key."""
        refuse_unknown("bisect", given, asdict(cls()))
        return cls(**given)

    def texts(self, chunks: tuple[Chunk, ...]) -> BisectTexts:
        """Deal the chunks out; those for the verification are in no other part."""
        rest = chunks[max(self.search, self.generations) :]
        return BisectTexts(chunks[: self.generations], chunks[: self.search], rest[: self.verify])


def run_bisect(plan: Plan, progress: Progress, resume: Path | None, minutes: float = 0.0) -> Path:
    """Bisect the plan's last variant against its reference; return the run's directory.

    Raises ConfigError, before anything is spoken, for variants of which nothing can be exchanged.
    """
    asked = BisectSettings.read(plan.experiment.get(SUITE, {}))
    reference, variant = plan.reference, plan.variants[-1]
    if reference is None:
        raise ConfigError("bisect: needs a reference: --against NAME")
    pair = model_pair(variant, reference)
    differing = _settings(variant, reference, pair)
    _refuse(variant, reference, pair, differing, asked)
    budget = Budget(minutes)
    with ExperimentRun(replace(plan, margins={}), progress, resume) as stage:
        texts = asked.texts(stage.plan.chunks(reference))
        if pair is not None and not (pair.same and differing and asked.search):
            tensors = TensorBisect(stage, pair, texts, asked.share, asked.margin, budget)
            _carried_out(tensors.carry_out, tensors.report)
            write_results(
                stage.run, bisect_claims(tensors.report), bisect_results(tensors.report), bisect_table(tensors.report)
            )
        else:
            report = SettingsReport(variant.name, reference.name, differing, asked.margin)
            settings = SettingsBisect(stage, variant, reference, report, budget)
            _carried_out(lambda: settings.carry_out(texts.searched, texts.fresh), report)
            write_results(stage.run, settings_claims(report), settings_results(report), settings_table(report))
        return stage.run.path


def _carried_out(search: Callable[[], None], report: BisectReport | SettingsReport) -> None:
    """Search until there is an answer or the budget is spent, which the report then says."""
    try:
        search()
    except BudgetSpent:
        report.unfinished = True


def model_pair(variant: Variant, reference: Variant) -> ModelPair | None:
    """Return both with their model files open; None where a variant has no model whose token ids are told.

    Raises ConfigError for files that are no GGUF or not of one model.
    """
    if any(not noting(one, [Chunk("any", "any")]) for one in (variant, reference)):
        return None
    ours, theirs = (GgufModel(Path(str(one.settings["model"])), f"bisect: {one.name}") for one in (variant, reference))
    refuse_other_model(ours, theirs)
    return ModelPair(variant, reference, ours, theirs)


def _settings(variant: Variant, reference: Variant, pair: ModelPair | None) -> dict[str, tuple[Any, Any]]:
    if variant.adapter != reference.adapter:
        return {}
    return differing_settings(variant.settings, reference.settings, ("model",) if pair is not None else ())


def _refuse(
    variant: Variant,
    reference: Variant,
    pair: ModelPair | None,
    differing: Mapping[str, tuple[Any, Any]],
    asked: BisectSettings,
) -> None:
    names = f"bisect: {variant.name} and {reference.name}"
    if variant.adapter != reference.adapter:
        adapters = f"{variant.adapter} and {reference.adapter}"
        raise ConfigError(f"{names} are of two adapters, {adapters}: nothing can be exchanged")
    if variant.adapter == "recorded":
        raise ConfigError(f"{names} are recordings: nothing of them can be exchanged and spoken again")
    if pair is None and not differing:
        raise ConfigError(f"{names} (adapter {variant.adapter}) have no models to exchange tensors of (llama_codec has) and no settings that differ")  # fmt: skip # noqa: E501
    if pair is None and not asked.search:
        raise ConfigError(f"{names} differ in settings alone, which only listening tells apart: --chunks must not be 0")


def last_bisect(folder: Path, variant: str, reference: str) -> Path:
    """Return the newest bisect of these two in ``folder``. Raises ConfigError where there is none."""
    for path, manifest in runs_of_suite(folder, SUITE):
        if (manifest["variants"][-1]["name"], manifest["reference"]) == (variant, reference):
            return path
    raise ConfigError(f"{folder}: no bisect of {variant} against {reference} that --resume could go on with")
