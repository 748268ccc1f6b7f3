"""What limits are fitted on: each take of the reference as if it were the variant, its other seeds as the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.core.records import Detection, DetectorInput, ReferenceRecord
from harness.detectors import detect_all
from harness.verdicts.limits import length_of
from harness.verdicts.profile.build import attempts_by_text, compare_voices, reference_of, view_of
from harness.verdicts.profile.takes import Take
from harness.verdicts.unspoken import nothing_to_speak


@dataclass(frozen=True)
class Sample:
    """One take with its evidence, and what the other seeds on the same text gave."""

    view: DetectorInput
    evidence: Sequence[Detection]
    text: str  # key of the text
    words: int
    values: Mapping[str, float]
    others: Mapping[str, Sequence[float]]

    @property
    def name(self) -> str:
        """Return chunk and seed, as shown to a user."""
        return f"{self.view.chunk.id} seed {self.view.attempt.seed}"


def samples_of(gathered: Sequence[Take]) -> list[Sample]:
    """Return a sample a take; the view's reference is the record of the other takes of its text, None where there is
    none.

    Texts that hold nothing to speak say nothing about how a voice speaks, and are left out.
    """
    with_voice, _ = compare_voices([take for take in gathered if not nothing_to_speak(take.chunk)])
    samples: list[Sample] = []
    for key, group in attempts_by_text(with_voice).items():
        views = [view_of(group, index) for index in range(len(group))]
        detections = [detect_all(view) for view in views]
        values = [{e.fault: e.value for e in evidence if e.value is not None} for evidence in detections]
        for index, view in enumerate(views):
            rest = [v for i, v in enumerate(values) if i != index]
            others = {name: [v[name] for v in rest if name in v] for name in {n for v in rest for n in v}}
            reference = _with_evidence(group, index, others) if rest else None
            judged = DetectorInput(view.chunk, view.attempt, view.observations, reference, view.previous)
            samples.append(Sample(judged, detect_all(judged), key, length_of(view.chunk), values[index], others))
    return samples


def _with_evidence(group: Sequence[Take], index: int, others: Mapping[str, Sequence[float]]) -> ReferenceRecord:
    bare = reference_of(group, without=index, evidence=False)
    return replace(bare, evidence=dict(others))
