"""Bisect a variant against its reference: parts of its model where the models differ, else its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.causes.bisect.exchange import ModelExchange
from harness.causes.bisect.gguf import GgufExchange
from harness.causes.bisect.onnx.exchange import OnnxExchange
from harness.causes.bisect.parts import BisectTexts, PartBisect
from harness.causes.bisect.settings import (
    SettingsBisect,
    SettingsReport,
    differing_settings,
    settings_claims,
    settings_results,
)
from harness.causes.bisect.table import bisect_results, bisect_table, settings_table
from harness.causes.bisect.verdict import BisectReport, bisect_claims
from harness.causes.budget import Budget, BudgetSpent
from harness.causes.runs import runs_of_suite
from harness.core.errors import ConfigError
from harness.core.records import Chunk, Variant
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.experiments.limits import suite_limits
from harness.experiments.quantization.divergence import noting
from harness.experiments.stage import ExperimentRun, write_results

SUITE = "bisect"


ROUNDS = 3  # sets that are heard on new texts, each on texts of its own


@dataclass(frozen=True, slots=True)
class BisectSettings:
    """What a bisect is asked for. ``margin``: fault rate beyond the reference's that still is restored."""

    generations: int = 4  # texts whose tokens of the reference are fed to every hybrid
    search: int = 40  # texts that are listened to in the search; 0: nobody listens
    verify: int = 60  # further texts on which the answer is verified, and as many for each larger set after it
    share: float = 0.1  # of the divergence that may stay
    margin: float = 0.02

    @classmethod
    def read(cls, given: Mapping[str, object]) -> BisectSettings:
        """Read the table ``bisect`` of a plan. Raises ConfigError for a wrong key."""
        return suite_limits(cls, {"bisect": given}, "bisect")

    def texts(self, chunks: tuple[Chunk, ...]) -> BisectTexts:
        """Deal the chunks out; those for the verification are in no other part."""
        rest = chunks[max(self.search, self.generations) :]
        rounds = (
            [rest[at : at + self.verify] for at in range(0, ROUNDS * self.verify, self.verify)] if self.verify else []
        )
        whole = [texts for number, texts in enumerate(rounds) if texts and (number == 0 or len(texts) == self.verify)]
        return BisectTexts(chunks[: self.generations], chunks[: self.search], whole)


def run_bisect(plan: Plan, progress: Progress, resume: Path | None, minutes: float = 0.0) -> Path:
    """Bisect the plan's last variant against its reference; return the run's directory.

    Raises ConfigError, before anything is spoken, for variants of which nothing can be exchanged.
    """
    asked = BisectSettings.read(plan.experiment.get(SUITE, {}))
    reference, variant = plan.reference, plan.variants[-1]
    if reference is None:
        raise ConfigError("bisect: needs a reference: --against NAME")
    models = exchange_of(variant, reference)
    differing = _settings(variant, reference, models)
    _refuse(variant, reference, models, differing, asked)
    budget = Budget(minutes)
    with ExperimentRun(replace(plan, margins={}), progress, resume) as stage:
        texts = asked.texts(stage.plan.chunks(reference))
        if models is not None and not (differing and asked.search and not models.costs and not models.metadata):
            search = PartBisect(stage, models, texts, asked.share, asked.margin, budget)
            _carried_out(search.carry_out, search.report)
            report = search.report
            write_results(stage.run, bisect_claims(report), bisect_results(report), bisect_table(report))
        else:
            settings = SettingsBisect(
                stage, variant, reference, SettingsReport(variant.name, reference.name, differing, asked.margin), budget
            )
            _carried_out(
                lambda: settings.carry_out(texts.searched, texts.fresh[0] if texts.fresh else ()), settings.report
            )
            write_results(
                stage.run,
                settings_claims(settings.report),
                settings_results(settings.report),
                settings_table(settings.report),
            )
        return stage.run.path


def _carried_out(search: Callable[[], None], report: BisectReport | SettingsReport) -> None:
    """Search until there is an answer or the budget is spent, which the report then says."""
    try:
        search()
    except BudgetSpent:
        report.unfinished = True


def exchange_of(variant: Variant, reference: Variant) -> ModelExchange | None:
    """Return both with their model files open; None where no parts of their models can be exchanged.

    Raises ConfigError for files that are no GGUF or ONNX model, or not of one model.
    """
    both = (variant, reference)
    if all(noting(one, [Chunk("any", "any")]) for one in both):
        return GgufExchange(variant, reference)
    if all(one.model is not None and one.model.suffix == ".onnx" for one in both):
        return OnnxExchange(variant, reference)
    return None


def _settings(variant: Variant, reference: Variant, models: ModelExchange | None) -> dict[str, tuple[object, object]]:
    if variant.adapter != reference.adapter:
        return {}
    return differing_settings(variant.settings, reference.settings, ("model",) if models is not None else ())


def _refuse(
    variant: Variant,
    reference: Variant,
    models: ModelExchange | None,
    differing: Mapping[str, tuple[object, object]],
    asked: BisectSettings,
) -> None:
    names = f"bisect: {variant.name} and {reference.name}"
    if variant.adapter != reference.adapter:
        adapters = f"{variant.adapter} and {reference.adapter}"
        raise ConfigError(f"{names} are of two adapters, {adapters}: nothing can be exchanged")
    if variant.adapter == "recorded":
        raise ConfigError(f"{names} are recordings: nothing of them can be exchanged and spoken again")
    if models is None and not differing:
        raise ConfigError(f"{names} (adapter {variant.adapter}) have no models to exchange parts of (GGUF with llama_codec, ONNX with any) and no settings that differ")  # fmt: skip # noqa: E501
    if models is None and not asked.search:
        raise ConfigError(f"{names} differ in settings alone, which only listening tells apart: --chunks must not be 0")


def last_bisect(folder: Path, variant: str, reference: str) -> Path:
    """Return the newest bisect of these two in ``folder``. Raises ConfigError where there is none."""
    for path, manifest in runs_of_suite(folder, SUITE):
        if (manifest["variants"][-1]["name"], manifest["reference"]) == (variant, reference):
            return path
    raise ConfigError(f"{folder}: no bisect of {variant} against {reference} that --resume could go on with")
