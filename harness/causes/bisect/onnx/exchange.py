"""Nodes or initializers of two ONNX models exchanged, ranked by what the engine itself then speaks."""

from __future__ import annotations

import math
import shutil
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from harness.audio.mel import log_mel_square_distance
from harness.causes.bisect.exchange import Measure
from harness.causes.bisect.listening import Ears, with_model
from harness.causes.bisect.names import named_paths
from harness.causes.bisect.onnx.groups import groups_of, last_convolutions
from harness.causes.bisect.onnx.model import OnnxModel
from harness.causes.bisect.onnx.recipes import recognise
from harness.causes.bisect.terms import PartTerms
from harness.core.durable import write_durably
from harness.core.errors import ConfigError, SoakError
from harness.core.records import Attempt, Chunk, Outcome, Samples, Variant
from harness.experiments.divergence import NotMeasured
from harness.store import Run

NODES = PartTerms(
    "nodes",
    "dB^2",
    lambda value: f"{math.sqrt(value):.2f} dB",
    "both speak the same samples",
    named_paths,
    floor=1e-4,  # 0.01 dB
    most=9.0,  # 3 dB, also where the variant gives no figure that is finite
)
Clip = tuple[Samples, int]


class OnnxExchange:
    """Both models open. Raises ConfigError, before anything is spoken, for two of which nothing can be exchanged."""

    suffix = ".onnx"

    def __init__(self, variant: Variant, reference: Variant) -> None:
        self.variant, self.reference = variant, reference
        self._ours, self._theirs = (
            OnnxModel(Path(str(one.settings["model"])), f"bisect: {one.name}") for one in (variant, reference)
        )
        for one in (variant, reference):
            if not _hands_on(one):
                raise ConfigError(f"bisect: {one.name} does not hand its model on: no {{model}} in its settings, so that a hybrid could not be spoken with")  # fmt: skip # noqa: E501
        self._recipe = recognise(self._ours, self._theirs)
        self.terms = replace(NODES, noun=self._recipe.noun)

    @property
    def costs(self) -> Mapping[str, int]:
        """Return bytes that leaving each part in fp32 adds."""
        return {part.name: part.cost for part in self._recipe.parts}

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Return the operator and place in the graph of each part."""
        return groups_of(self._recipe.parts)

    @property
    def metadata(self) -> tuple[str, ...]:
        """Return nothing: what a graph says of itself does not compute."""
        return ()

    @property
    def problems(self) -> Mapping[str, str]:
        """Return nothing: all is measured."""
        return {}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return bytes of the two files by name."""
        return {one.path.name: one.path.stat().st_size for one in (self._ours, self._theirs)}

    def write(self, restored: Collection[str], target: Path) -> None:
        """Write the hybrid, and beside it what lies beside the variant's model under its name (its configuration)."""
        if restored:
            write_durably(target, self._recipe.build(restored).SerializeToString())
        else:
            write_durably(target, self._ours.proto.SerializeToString())
        for beside in self._beside():
            shutil.copyfile(beside, target.with_name(target.name + beside.name.removeprefix(self._ours.path.name)))

    def _beside(self) -> list[Path]:
        folder, name = self._ours.path.parent, self._ours.path.name
        return [one for one in folder.glob(f"{name}.*") if one.is_file() and one.suffix != ".data"]

    def remove(self, target: Path) -> None:
        """Remove the hybrid and what lies beside it."""
        for one in (target, *target.parent.glob(f"{target.name}.*")):
            one.unlink(missing_ok=True)

    def line(self, restored: Collection[str]) -> str:
        """Return the Python that builds it."""
        return self._recipe.line(restored)

    def rules(self, restored: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return the last convolutions that cost no more than this set: what is often advised to be kept in fp32."""
        most = sum(self.costs[name] for name in restored)
        chosen, count = last_convolutions(self._recipe.parts, most)
        return {f"the last {len(chosen)} of {count} convolutions": frozenset(chosen)} if chosen else {}

    @contextmanager
    def meter(self, ears: Ears, run: Run, fed: Sequence[Chunk]) -> Generator[tuple[Measure, int]]:
        """Speak the texts with every hybrid and compare with the reference, which has to repeat itself."""
        clips = _clips(run, ears.speak(self.reference, "generations", fed, judged=False))
        again = _clips(run, ears.speak(self.reference, "repeat", fed, judged=False))
        own = _distance(clips, again)
        if own > self.terms.floor:
            raise ConfigError(f"bisect: {self.reference.name} does not repeat itself ({self.terms.told(own)} between two times): give it a seed, or take its noise away")  # fmt: skip # noqa: E501

        def measure(path: Path) -> float:
            voice = with_model(
                self.variant, path, f"{self.variant.name}+{path.stem.removesuffix(f'-{self.variant.name}')}"
            )
            try:
                return _distance(clips, _clips(run, ears.speak(voice, "trial", fed, self.variant, judged=False)))
            except NotMeasured:
                raise
            except SoakError as error:
                raise NotMeasured(str(error)) from None

        yield measure, 0


def _hands_on(variant: Variant) -> bool:
    def strings(value: object) -> Generator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            for one in value.values():
                yield from strings(one)
        elif isinstance(value, list | tuple):
            for one in value:
                yield from strings(one)

    return any("{model}" in text for text in strings(variant.settings))


def _clips(run: Run, attempts: Sequence[Attempt]) -> dict[str, Clip]:
    """Audio by chunk. Raises NotMeasured where one gave none."""
    clips = {}
    for attempt in attempts:
        if attempt.outcome is not Outcome.OK or attempt.audio is None:
            raise NotMeasured(f"{attempt.chunk_id} gave no audio: {attempt.outcome.value}")
        clips[attempt.chunk_id] = run.read_audio(attempt)
    return clips


def _distance(reference: Mapping[str, Clip], other: Mapping[str, Clip]) -> float:
    """Mean over texts of the mean square log-mel difference, dB^2; infinite where a sample is not finite."""
    import numpy as np

    if any(not np.isfinite(samples).all() for samples, _ in other.values()):
        return math.inf
    each = [log_mel_square_distance(*clip, *other[key]) for key, clip in reference.items()]
    return sum(each) / len(each)
