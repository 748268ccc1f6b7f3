"""A voice's clips judged by their words as a first run: no reference, the run's other chunks as the only measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.core.records import Attempt, Chunk, Detection, DetectorInput, Finding, Measurement, Status
from harness.detectors import catalogue
from harness.detectors.base import Family
from harness.stats.rates import clopper_pearson
from harness.verdicts import Limits, Priors, RunChunk, VerdictPolicy, fit_run
from harness.verdicts.settled import fitted_values
from tools.rows import read_rows
from tools.words_bench.hearing import BenchClip

WORDS = frozenset(name for name, fault in catalogue().items() if fault.family is Family.TRANSCRIPT)


@dataclass(frozen=True)
class FirstRun:
    """Healthy chunks of one voice; a chunk is held against what these allow, itself left out."""

    views: Sequence[DetectorInput]
    chunks: Sequence[RunChunk]
    policy: VerdictPolicy

    @classmethod
    def of(cls, views: Sequence[DetectorInput]) -> FirstRun:
        """Return the number the views as attempts of one run."""
        numbered = [replace(view, attempt=replace(view.attempt, id=number)) for number, view in enumerate(views, 1)]
        policy = VerdictPolicy(Limits.default())
        return cls(numbered, [_chunk(view, _of_words(policy, view)) for view in numbered], policy)

    def alarms(self) -> list[tuple[DetectorInput, list[Finding]]]:
        """Return what the words of each chunk of the run itself are accused of."""
        own = fit_run(self.chunks, Priors.shipped())
        return [
            (view, self.policy.findings(view, _of_words(self.policy, view), own.of(view.attempt.id))[0])
            for view in self.views
        ]

    def findings(self, view: DetectorInput) -> tuple[list[Finding], bool]:
        """Return what a further chunk is accused of, and whether a class of words could not judge it."""
        view = replace(view, attempt=replace(view.attempt, id=len(self.views) + 1))
        given = _of_words(self.policy, view)
        own = fit_run([*self.chunks, _chunk(view, given)], Priors.shipped())
        findings, unjudged = self.policy.findings(view, given, own.of(view.attempt.id))
        return findings, bool(unjudged)


def _of_words(policy: VerdictPolicy, view: DetectorInput) -> list[Detection]:
    return [detection for detection in policy.evidence(view) if detection.fault in WORDS]


def _chunk(view: DetectorInput, given: Sequence[Detection]) -> RunChunk:
    assert view.attempt.id is not None
    return RunChunk(view.attempt.id, view.chunk, fitted_values(view, given))


def view_of(clip: BenchClip, line: dict[str, Any]) -> DetectorInput:
    """Return the view of one measured clip, without a reference."""
    measured = {
        name: Measurement(name, "", Status(one["status"]), one["payload"], one["reason"])
        for name, one in line["seen"].items()
    }
    rate = (measured["signal"].payload or {}).get("sample_rate")
    attempt = Attempt(0, 0, 0, clip.id, "bench", sample_rate=rate, duration=line["seconds"])
    return DetectorInput(Chunk(clip.id, clip.text, clip.language), attempt, measured)


def voice_table(voices: dict[str, Sequence[BenchClip]], folder: Path) -> str:
    """Return the alarms by words on each healthy voice as a Markdown table, with exact 95% intervals."""
    lines = ["| voice | clips | WER | with an alarm by words | 95% | which |", "|---|---|---|---|---|---|"]
    for name, clips in voices.items():
        measured = {line["id"]: line for line in read_rows(folder / f"{name}.jsonl")}
        views = [view_of(clip, measured[clip.id]) for clip in clips if clip.id in measured]
        accused = [(view, findings) for view, findings in FirstRun.of(views).alarms() if findings]
        which = ", ".join(f"{view.chunk.id}: {findings[0].fault}" for view, findings in accused)
        low, high = clopper_pearson(len(accused), len(views))
        share = f"{len(accused)} | {low:.1%} to {high:.1%}"
        lines.append(f"| {name} | {len(views)} | {_word_errors(views):.1%} | {share} | {which} |")
    return "\n".join(lines)


def _word_errors(views: Sequence[DetectorInput]) -> float:
    counts = [(view.payload("intelligibility") or {}).get("wer") for view in views]
    errors = sum(int(one["errors"]) for one in counts if one)
    return errors / max(sum(int(one["words"]) for one in counts if one), 1)
