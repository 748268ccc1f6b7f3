"""Tensors of two GGUF models exchanged, ranked by the divergence of the next speech token (teacher forcing)."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from harness.causes.bisect.exchange import Measure
from harness.causes.bisect.hybrid import write_hybrid
from harness.causes.bisect.listening import Ears
from harness.causes.bisect.meter import DivergenceMeter
from harness.causes.bisect.model_file import GgufModel, differing_metadata, differing_tensors, refuse_other_model
from harness.causes.bisect.names import named_set
from harness.causes.bisect.quantize_line import quantize_line
from harness.causes.bisect.terms import PartTerms
from harness.core.records import Chunk, Variant
from harness.experiments.isolation.weights import Weights, weight_problems
from harness.experiments.quantization.divergence import NOTING, reference_generations
from harness.store import Run

GENERATIONS = "generations"
TENSORS = PartTerms(
    "tensors",
    "nats",
    lambda value: f"{value:.3g} nats",
    "both say the same of every next speech token",
    named_set,
    floor=1e-6,  # only the last digits differ
    most=0.05,  # between the 4-bit and the 2-bit models of the embedded voice
)


class GgufExchange:
    """Both models open. Raises ConfigError for files that are no GGUF or not of one model."""

    terms = TENSORS
    suffix = ".gguf"

    def __init__(self, variant: Variant, reference: Variant) -> None:
        self.variant, self.reference = variant, reference
        self._ours, self._theirs = (
            GgufModel(Path(str(one.settings["model"])), f"bisect: {one.name}") for one in (variant, reference)
        )
        refuse_other_model(self._ours, self._theirs)

    @cached_property
    def costs(self) -> Mapping[str, int]:
        """Return bytes that restoring each tensor adds; tensors that are the same bytes in both files are left out."""
        ours, theirs = self._ours.tensors, self._theirs.tensors
        return {name: theirs[name].size - ours[name].size for name in differing_tensors(self._ours, self._theirs)}

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Return kind and layer of each tensor."""
        return {
            name: (tensor.kind, *([f"layer {tensor.layer}"] if tensor.layer is not None else []))
            for name, tensor in self._ours.tensors.items()
        }

    @cached_property
    def metadata(self) -> tuple[str, ...]:
        """Return keys whose values differ."""
        return differing_metadata(self._ours, self._theirs)

    @cached_property
    def problems(self) -> Mapping[str, str]:
        """Return tensors whose values are no rounding of the reference's, and how they are wrong."""
        try:
            problems = weight_problems(Weights(self._ours.path), Weights(self._theirs.path))
        except (OSError, ValueError, KeyError, NotImplementedError):
            return {}  # a type that cannot be read back: only a hint is lost
        return {one.tensor: one.says for one in problems}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return bytes of the two files by name."""
        return {one.path.name: one.path.stat().st_size for one in (self._ours, self._theirs)}

    def write(self, restored: Collection[str], target: Path) -> None:
        """Write the variant's file with these tensors as the reference stores them."""
        write_hybrid(self._ours, self._theirs, restored, target)

    def remove(self, target: Path) -> None:
        """Remove the file."""
        target.unlink(missing_ok=True)

    def line(self, restored: Collection[str]) -> str:
        """Return the ``llama-quantize`` command."""
        return quantize_line(self._ours, self._theirs, restored)

    def rules(self, restored: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return nothing: the divergence ranks all tensors, and no rule of thumb is about them."""
        return {}

    @contextmanager
    def meter(self, ears: Ears, run: Run, fed: Sequence[Chunk]) -> Generator[tuple[Measure, int]]:
        """Feed the token ids that the reference generates for these texts."""
        ears.speak(self.reference, GENERATIONS, fed, overrides={NOTING: True}, judged=False)
        generations, slots = reference_generations(run, self.reference, fed, GENERATIONS)
        with DivergenceMeter(self._theirs.path, generations, slots) as meter:
            yield meter.nats, meter.steps
