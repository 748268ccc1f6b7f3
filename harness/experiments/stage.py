"""What every experiment needs: an open run, scoring processes, and a driver for each variant."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from pydantic_core import to_jsonable_python

from harness.audio.mel import log_mel_distance
from harness.core.errors import SoakError
from harness.core.records import Attempt, Chunk, Claim, Variant, seed_for
from harness.engine.assessor import ScoringPipeline
from harness.engine.engine import Engine, Standard
from harness.engine.executor import executor_of
from harness.engine.machine import watched
from harness.engine.plan import Plan
from harness.engine.preflight import refuse
from harness.engine.progress import Progress
from harness.engine.session import PlannedRequest
from harness.engine.soak import Soak
from harness.report import write as write_report
from harness.store import Run
from harness.verdicts import VerdictPolicy

RESULTS = "results.json"
TABLE = "results.md"


class ExperimentRun:
    """An open run as a context; leaving it ends its workers, marks it as finished or interrupted, and reports on it.

    ``standards``: what each variant is judged by, where that was decided before (by another run). Entering raises what
    ``Engine.begin`` raises: ConfigError, ResumeRefused, StoreError.
    """

    def __init__(
        self, plan: Plan, progress: Progress, resume: Path | None, standards: dict[str, Standard] | None = None
    ) -> None:
        self.plan = plan
        self._given = standards
        self.progress = progress
        self._resume = resume

    def __enter__(self) -> ExperimentRun:
        refuse(self.plan)
        engine = Engine(self.plan, self.progress)
        self._standards = self._given or engine.standards()
        self.run: Run = engine.begin(self._resume, self._standards)
        self.assessor = ScoringPipeline(self.run, self.plan)
        self._workdir = tempfile.TemporaryDirectory(prefix="tts-soak-")
        self._soaks: list[Soak] = []
        self._load = contextlib.ExitStack()
        if self.plan.ray is None:  # elsewhere this machine's load says nothing of the timings
            self._load.enter_context(watched(self.run, self.plan.suite, ", ".join(v.name for v in self.plan.variants)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for soak in self._soaks:
            soak.close()
        self._load.close()
        self.assessor.close(now=kind is not None)
        executor_of(self.plan).rest()
        self._workdir.cleanup()
        self.run.finish("finished" if kind is None else "interrupted")
        self.run.close()
        if kind is None:
            write_report(self.run.path)

    def soak(self, variant: Variant, settings_of: Variant | None = None) -> Soak:
        """Return a driver of ``variant``, judged as ``settings_of`` is: one of the plan, itself if None."""
        standard = self._standards[(settings_of or variant).name]
        soak = Soak(
            self.plan,
            self.run,
            variant,
            VerdictPolicy(standard.limits),
            standard.profile,
            self.assessor,
            self.progress,
            Path(self._workdir.name),
        )
        self._soaks.append(soak)
        return soak

    def speak_takes(
        self,
        variant: Variant,
        arm: str,
        takes: Sequence[int],
        details: dict[str, object],
        chunks: Sequence[Chunk] | None = None,
        title: str = "",
    ) -> list[Attempt]:
        """Speak the plan's chunks (or ``chunks``) in a fresh process, each take with its own seeds; return what came.

        Every attempt is on its way to the scorers then: ``assessor.drain`` waits for them.
        """
        soak, began = self.soak(variant), time.monotonic()
        spoken = self.plan.chunks(variant) if chunks is None else chunks
        turns = [
            PlannedRequest(chunk, take=take, seed=seed_for(variant, chunk.id, take))
            for take in takes
            for chunk in spoken
        ]
        attempts = []
        with contextlib.closing(soak.speak_apart(arm, turns, details)) as answers:
            for count, (attempt, chunk, layout) in enumerate(answers, 1):
                attempts.append(attempt)
                soak.submit(attempt, chunk, layout, None)
                self.assessor.collect()
                soak.tick(title or arm, count, len(turns), began, None, chunk.id)
        return attempts

    def lost(self, variant: Variant, error: SoakError) -> None:
        """Say which variant cannot be loaded, and leave the others be."""
        self.run.record_event("cannot be loaded", {"variant": variant.name, "reason": str(error)})
        self.progress.say(f"{variant.name}: {error}")


def write_results(run: Run, claims: Sequence[Claim], results: Mapping[str, object], table: str) -> None:
    """Journal the claims; write ``results.json`` and the Markdown table ``results.md`` beside the journal.

    ``results`` may hold dataclasses at any depth: they are written with their fields' names.
    """
    run.record_claims(claims)
    (run.path / RESULTS).write_text(
        json.dumps(to_jsonable_python(results), indent=1, allow_nan=False), encoding="utf-8"
    )
    (run.path / TABLE).write_text(table.rstrip() + "\n", encoding="utf-8")


def mel_distance(run: Run, one: Attempt, other: Attempt | None) -> float | None:
    """Return how far two renditions lie apart, in dB (log-mel); None where one of them gave no sound."""
    if other is None or one.audio is None or other.audio is None:
        return None
    first, second = run.read_audio(one), run.read_audio(other)
    return log_mel_distance(*first, *second) if len(first[0]) and len(second[0]) else None


def figure(value: float | None, form: str, scale: float = 1.0) -> str:
    """Return a figure for a cell of a table, times ``scale``; a dash for what is not known."""
    return "-" if value is None else format(value * scale, form)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column to the left, figures to the right."""
    marks = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, marks, *rows))
