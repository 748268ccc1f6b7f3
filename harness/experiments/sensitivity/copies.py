"""Every copy that is to be made, tried clip by clip: in this process, or spread over the cores."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TypeAlias

from harness.backends.worker import Worker
from harness.core.errors import SoakError
from harness.core.records import Outcome, Request, Samples, ScorerOptions, Tokens, Variant
from harness.detectors.base import Detector, Family, Injector
from harness.detectors.base import InjectionPoint as Where
from harness.engine.cores import usable_cores
from harness.engine.scoring.scoring_process import ONE_THREAD
from harness.experiments.sensitivity.settings import SensitivitySettings
from harness.experiments.sensitivity.trial import InjectionTrial, Trials
from harness.experiments.sensitivity.twins import Twin
from harness.verdicts import Limits, VerdictPolicy

LEAST_A_PROCESS = 60  # copies; fewer are tried before another process has loaded its recognizers

Job: TypeAlias = tuple[str, str, float]  # class, injector, dose
Tried: TypeAlias = Callable[[str, int, int], None]  # class, copies so far, of all


@dataclass(frozen=True)
class CleanClip:
    """A twin, what was found in it before anything was injected, and the copies to make of it."""

    twin: Twin
    known: tuple[str, ...]
    jobs: Sequence[Job] = ()


@dataclass(frozen=True)
class TrialSetting:
    """What a process needs to try copies as another would: the draw depends on seed, class, dose and text alone."""

    variant: Variant
    limits: Limits
    scorers: Mapping[str, ScorerOptions]
    seed: int
    voice_embeddings: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @contextmanager
    def trials(self) -> Iterator[Trials]:
        """Yield what tries copies; the worker that decodes spoiled tokens ends with it."""
        with ExitStack() as stack:
            workdir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tts-soak-")))
            decoder = stack.enter_context(_Decoder(self.variant, workdir))
            yield Trials(
                VerdictPolicy(self.limits),
                self.scorers,
                seed=self.seed,
                decode=decoder.decode,
                voice_embeddings=self.voice_embeddings,
            )


def copies_of(
    trials: Trials, clips: Sequence[tuple[Twin, tuple[str, ...]]], table: SensitivitySettings
) -> list[CleanClip]:
    """Return what is made of each clip: every class and injector at every dose, of ``clips`` or ``clips_heard`` twins
    at the preset and ``clips_doses`` else.

    Each twin comes with what was found in it before anything was injected; those with a finding come last, as a clip
    that is broken already is no clean twin.
    A class whose scorers are not part of the plan is left out, as are faults of the living process.
    """
    ordered = sorted(clips, key=lambda clip: bool(clip[1]))
    preset: list[list[Job]] = [[] for _ in ordered]
    others: list[list[Job]] = [[] for _ in ordered]
    for fault, injector in _injectors(trials, table):
        most = min(table.clips_heard if fault.family is Family.TRANSCRIPT else table.clips, len(ordered))
        for dose in injector.doses:
            at_preset = dose == injector.preset
            for place in range(most if at_preset else min(table.clips_doses, most)):
                (preset if at_preset else others)[place].append((fault.name, injector.name, dose))
    return [
        CleanClip(twin, names, [*first, *rest])
        for (twin, names), first, rest in zip(ordered, preset, others, strict=True)
        if first or rest
    ]


def attempt_all(
    trials: Trials,
    clips: Sequence[CleanClip],
    *,
    minutes: float = 0.0,
    tick: Tried | None = None,
    setting: TrialSetting | None = None,
) -> list[InjectionTrial]:
    """Try every copy, clip by clip, so that all classes have as many when ``minutes`` (0: no limit) are up.

    With a ``setting`` and enough of them the clips are spread over the cores, a process each; the answers are the same.
    """
    total = sum(len(clip.jobs) for clip in clips)
    processes = min(usable_cores(), total // LEAST_A_PROCESS) if setting is not None else 1
    ends = time.monotonic() + 60 * minutes if minutes else None
    answers = (
        _here(trials, clips, ends) if processes < 2 or setting is None else _spread(setting, clips, processes, ends)
    )
    tried: list[InjectionTrial] = []
    for one in answers:
        tried.append(one)
        if tick is not None:
            tick(one.fault, len(tried), total)
    return tried


def _injectors(trials: Trials, table: SensitivitySettings) -> Iterator[tuple[Detector, Injector]]:
    for name, fault in trials.classes.items():
        asked = not table.classes or name in table.classes
        if asked and fault.observes and set(fault.observes) <= trials.needs(fault):
            yield from ((fault, injector) for injector in fault.injectors if injector.stage is not Where.BACKEND)


def _here(trials: Trials, clips: Sequence[CleanClip], ends: float | None) -> Iterator[InjectionTrial]:
    for clip in clips:
        for name, made_by, dose in clip.jobs:
            if ends is not None and time.monotonic() > ends:
                return
            fault = trials.classes[name]
            injector = next(one for one in fault.injectors if one.name == made_by)
            yield trials.run(clip.twin, fault, injector, dose, clip.known)


def _spread(
    setting: TrialSetting, clips: Sequence[CleanClip], processes: int, ends: float | None
) -> Iterator[InjectionTrial]:
    """Yield the answers of the clips in their order, each clip tried by the process that is free."""
    context = multiprocessing.get_context("spawn")
    with _one_thread_each(), ProcessPoolExecutor(processes, context, _set_up, (setting,)) as pool:
        waiting = [pool.submit(_tried, clip, ends) for clip in clips]
        try:
            for one in waiting:
                yield from one.result()
        except BrokenProcessPool:
            raise SoakError("a process that tried copies was killed, mostly for want of memory") from None
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let libraries of the processes to come start one thread: more would take the core of another process."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_OF_PROCESS: list[Trials] = []  # of a process of the pool: its scorers are loaded once


def _set_up(setting: TrialSetting) -> None:
    stack = ExitStack()
    _OF_PROCESS.append(stack.enter_context(setting.trials()))
    Finalize(None, stack.close, exitpriority=1)


def _tried(clip: CleanClip, ends: float | None) -> list[InjectionTrial]:
    return list(_here(_OF_PROCESS[0], [clip], ends))


class _Decoder:
    """Spoiled tokens to sound by the variant's own decoder, in a worker that is started when first asked."""

    def __init__(self, variant: Variant, workdir: Path) -> None:
        self._variant, self._workdir = variant, workdir
        self._worker: Worker | None = None

    def __enter__(self) -> _Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.stop()

    def decode(self, twin: Twin, tokens: Tokens) -> Samples | None:
        """Return samples, or None where the adapter cannot decode tokens alone."""
        if self._worker is None or not self._worker.alive:
            self._worker = Worker(self._variant, self._workdir)
            self._worker.start()
        reply = self._worker.request(Request(twin.chunk.id, twin.chunk.text, None, tokens=tokens))
        return reply.samples if reply.outcome is Outcome.OK else None
