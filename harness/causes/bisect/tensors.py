"""Which tensors does the quantization break? Rank by divergence, find the smallest set, listen, verify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.causes.bisect.bench import TrialBench, work_folder
from harness.causes.bisect.hybrid import write_hybrid
from harness.causes.bisect.listening import (
    SIGNIFICANT,
    Ears,
    HeardOutcome,
    compatible_with,
    with_model,
    worse_p_value,
)
from harness.causes.bisect.meter import DivergenceMeter
from harness.causes.bisect.model_file import GgufModel, differing_metadata, differing_tensors
from harness.causes.bisect.quantize_line import quantize_line
from harness.causes.bisect.search import Part, PartSearch, Restored, SearchResult
from harness.causes.bisect.verdict import BisectReport
from harness.causes.budget import Budget, BudgetSpent
from harness.core.records import Chunk, Variant
from harness.experiments.divergence import Generation, Slot
from harness.experiments.isolation.weights import Weights, weight_problems
from harness.experiments.quantization.divergence import NOTING, reference_generations
from harness.experiments.stage import ExperimentRun

GENERATIONS = "generations"
_HYBRID = "hybrid"


@dataclass(frozen=True)
class BisectTexts:
    """Texts that are fed, listened to in the search, and kept for the verification."""

    fed: Sequence[Chunk]
    searched: Sequence[Chunk]
    fresh: Sequence[Chunk]


@dataclass(frozen=True)
class ModelPair:
    """A variant and its reference with their model files open."""

    variant: Variant
    reference: Variant
    ours: GgufModel
    theirs: GgufModel

    @property
    def same(self) -> bool:
        """Whether tensors and metadata are the same in both files."""
        return not differing_tensors(self.ours, self.theirs) and not differing_metadata(self.ours, self.theirs)


class TensorBisect:
    """The steps of one bisect, each leaving what it learnt in ``report``."""

    def __init__(
        self, stage: ExperimentRun, pair: ModelPair, texts: BisectTexts, share: float, margin: float, budget: Budget
    ) -> None:
        self._stage, self._pair, self._share, self._margin, self._budget = stage, pair, share, margin, budget
        self._ears = Ears(stage, budget)
        self._folder = work_folder(stage.run)
        self._fed, self._searched, self._fresh = texts.fed, texts.searched, texts.fresh
        self.report = BisectReport(
            pair.variant.name,
            pair.reference.name,
            SearchResult(complete=False),
            costs={
                name: pair.theirs.tensors[name].size - pair.ours.tensors[name].size
                for name in differing_tensors(pair.ours, pair.theirs)
            },
            metadata=differing_metadata(pair.ours, pair.theirs),
            sizes={one.path.name: one.path.stat().st_size for one in (pair.ours, pair.theirs)},
            margin=margin,
        )

    def carry_out(self) -> None:
        """Search by divergence, then by ear, then verify. Raises BudgetSpent."""
        self._find_by_arithmetic()
        search = self.report.search
        if not search.complete:
            raise BudgetSpent
        if self._searched and not search.nothing:
            self._listen()
        if self.report.restored and self.report.audible is not None:
            self._verify()
        if self.report.restored:
            self.report.line = quantize_line(self._pair.ours, self._pair.theirs, self.report.restored)
            self.report.hybrid = self._write(self.report.restored, _HYBRID).name

    # ------------------------------------------------------------------ arithmetic
    def _find_by_arithmetic(self) -> None:
        pair, stage = self._pair, self._stage
        generations, slots = self._generations()
        groups = {
            name: tuple(filter(None, (tensor.kind, f"layer {tensor.layer}" if tensor.layer is not None else "")))
            for name, tensor in pair.ours.tensors.items()
        }
        parts = [Part(name, cost, groups[name]) for name, cost in self.report.costs.items()]
        likely = 2 + len({group for part in parts for group in part.groups}) + len(parts)
        self.report.problems = self._wrong_weights()
        with DivergenceMeter(pair.theirs.path, generations, slots) as meter:
            self.report.speech_tokens = meter.steps

            def trial(restored: Restored) -> float:
                path = self._write(restored, "trial")
                try:
                    return meter.nats(path)
                finally:
                    path.unlink(missing_ok=True)

            bench = TrialBench(stage.run, pair.variant.name, trial, stage.progress, self._budget, likely)
            search = PartSearch(parts, bench, self.report.problems, self._share)
            self.report.search = search.result
            search.run()

    def _generations(self) -> tuple[list[Generation], list[Slot]]:
        reference = self._pair.reference
        self._ears.speak(reference, GENERATIONS, self._fed, overrides={NOTING: True})
        return reference_generations(self._stage.run, reference, self._fed, GENERATIONS)

    def _wrong_weights(self) -> dict[str, str]:
        """Tensors whose values are no rounding of the reference's, and how they are wrong."""
        try:
            problems = weight_problems(Weights(self._pair.ours.path), Weights(self._pair.theirs.path))
        except (OSError, ValueError, KeyError, NotImplementedError):
            return {}  # a type that cannot be read back: only a hint is lost
        return {one.tensor: one.says for one in problems}

    def _write(self, restored: Restored, name: str) -> Path:
        target = self._folder / f"{name}-{self._pair.ours.path.stem}.gguf"
        write_hybrid(self._pair.ours, self._pair.theirs, restored, target)
        return target

    # ------------------------------------------------------------------ listening
    def _listen(self) -> None:
        """Hear both, then the sets on the texts that fail, from the smallest to the largest, until one restores."""
        report, pair = self.report, self._pair
        self._ears.hear_into(report.heard, (pair.reference, pair.variant), "search", self._searched)
        variant, reference = report.heard[pair.variant.name], report.heard[pair.reference.name]
        report.worse = worse_p_value(variant, reference)
        if report.worse > SIGNIFICANT:
            return
        failing = [chunk for chunk in self._searched if variant.faulty.get(chunk.id)]
        for number, (names, _) in enumerate(report.search.candidates):
            outcome = self._hear_hybrid(names, f"set-{number}", "failing", failing)
            report.tried.append((names, outcome))
            if compatible_with(outcome, reference.rate + self._margin):
                report.audible = names
                return

    def _verify(self) -> None:
        report, pair = self.report, self._pair
        assert report.audible is not None
        if not self._fresh:
            return
        self._ears.hear_into(report.verified, (pair.reference, pair.variant), "verify", self._fresh)
        number = len(report.tried) - 1
        report.verified["hybrid"] = self._hear_hybrid(report.audible, f"set-{number}", "verify", self._fresh)

    def _hear_hybrid(self, names: Restored, name: str, arm: str, chunks: Sequence[Chunk]) -> HeardOutcome:
        path = self._write(names, name)
        voice = with_model(self._pair.variant, path, f"{self._pair.variant.name}+{name}")
        try:
            return self._ears.hear(voice, arm, chunks, self._pair.variant)
        finally:
            path.unlink(missing_ok=True)
