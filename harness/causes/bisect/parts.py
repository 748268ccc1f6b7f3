"""Which parts of the model does the quantization break? Rank by a figure, find the smallest set, listen, verify."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.causes.bisect.bench import TrialBench, work_folder
from harness.causes.bisect.confirm import confirm
from harness.causes.bisect.exchange import ModelExchange
from harness.causes.bisect.listening import (
    SIGNIFICANT,
    Ears,
    HeardOutcome,
    compatible_with,
    with_model,
    worse_p_value,
)
from harness.causes.bisect.search import Part, PartSearch, Restored, SearchResult
from harness.causes.bisect.verdict import BisectReport, RuleTrial
from harness.causes.budget import Budget, BudgetSpent
from harness.core.records import Chunk
from harness.experiments.stage import ExperimentRun

_HYBRID = "hybrid"


@dataclass(frozen=True)
class BisectTexts:
    """Texts that are fed, listened to in the search, and kept for the verification, round by round."""

    fed: Sequence[Chunk]
    searched: Sequence[Chunk]
    fresh: Sequence[Sequence[Chunk]]


class PartBisect:
    """The steps of one bisect, each leaving what it learnt in ``report``."""

    def __init__(
        self, stage: ExperimentRun, models: ModelExchange, texts: BisectTexts, share: float, margin: float,
        budget: Budget,
    ) -> None:  # fmt: skip
        self._stage, self._models, self._share, self._margin, self._budget = stage, models, share, margin, budget
        self._ears = Ears(stage, budget)
        self._folder = work_folder(stage.run)
        self._fed, self._searched, self._fresh = texts.fed, texts.searched, texts.fresh
        self.report = BisectReport(
            models.variant.name,
            models.reference.name,
            SearchResult(complete=False),
            models.terms,
            costs=models.costs,
            metadata=models.metadata,
            sizes=models.sizes,
            margin=margin,
        )

    def carry_out(self) -> None:
        """Search by the figure, then by ear, then verify. Raises BudgetSpent."""
        self._find_by_arithmetic()
        search = self.report.search
        if not search.complete:
            raise BudgetSpent
        if self._searched and not search.nothing:
            self._listen()
        if self.report.restored and self.report.audible is not None:
            confirm(self.report, self._fresh, self._hear_all)
        if self.report.restored:
            self.report.line = self._models.line(self.report.restored)
            self.report.hybrid = self._write(self.report.restored, _HYBRID).name

    # ------------------------------------------------------------------ arithmetic
    def _find_by_arithmetic(self) -> None:
        models, stage, terms = self._models, self._stage, self._models.terms
        groups = models.groups
        parts = [Part(name, cost, groups[name]) for name, cost in self.report.costs.items()]
        likely = 2 + len({group for part in parts for group in part.groups}) + len(parts)
        self.report.problems = models.problems
        with models.meter(self._ears, stage.run, self._fed) as (measure, steps):
            self.report.speech_tokens = steps

            def trial(restored: Restored) -> float:
                path = self._write(restored, f"trial-{_digest(restored)}")
                try:
                    return measure(path)
                finally:
                    models.remove(path)

            bench = TrialBench(stage.run, models.variant.name, trial, stage.progress, self._budget, likely)
            search = PartSearch(
                parts, bench, self.report.problems, self._share, terms.floor, terms.most, bool(self._searched)
            )
            self.report.search = search.result
            search.run()
            self.report.why = bench.why
            if search.result.complete and search.result.chosen:
                for rule, names in models.rules(search.result.chosen).items():
                    self.report.rules.append(RuleTrial(rule, names, bench(names)))

    def _write(self, restored: Restored, name: str) -> Path:
        target = self._folder / f"{name}-{self._models.variant.name}{self._models.suffix}"
        self._models.write(restored, target)
        return target

    # ------------------------------------------------------------------ listening
    def _listen(self) -> None:
        """Hear both, then sets on the texts that fail: the smallest that restores, found by halving.

        That a larger set is heard to be no worse is only a guess here; what was tried is in the report.
        """
        report, models = self.report, self._models
        self._ears.hear_into(report.heard, (models.reference, models.variant), "search", self._searched)
        variant, reference = report.heard[models.variant.name], report.heard[models.reference.name]
        report.worse = worse_p_value(variant, reference)
        if report.worse > SIGNIFICANT:
            return
        failing = [chunk for chunk in self._searched if variant.faulty.get(chunk.id)]
        candidates, low, high = report.search.candidates, -1, len(report.search.candidates)
        while high - low > 1:
            middle = (low + high) // 2
            names = candidates[middle][0]
            outcome = self._hear_hybrid(names, "failing", failing)
            report.tried.append((names, outcome))
            if compatible_with(outcome, reference.rate + self._margin):
                high, report.audible = middle, names
            else:
                low = middle

    def _hear_all(self, names: Restored, arm: str, chunks: Sequence[Chunk]) -> dict[str, HeardOutcome]:
        outcomes: dict[str, HeardOutcome] = {}
        self._ears.hear_into(outcomes, (self._models.reference, self._models.variant), arm, chunks)
        return {**outcomes, "hybrid": self._hear_hybrid(names, arm, chunks)}

    def _hear_hybrid(self, names: Restored, arm: str, chunks: Sequence[Chunk]) -> HeardOutcome:
        variant = self._models.variant
        path = self._write(names, f"set-{_digest(names)}")
        voice = with_model(variant, path, f"{variant.name}+{len(names)}-{_digest(names)}")
        try:
            return self._ears.hear(voice, arm, chunks, variant)
        finally:
            self._models.remove(path)


def _digest(names: Restored) -> str:
    """Return a name for a set of parts that a resumed run gives it too."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:10]
