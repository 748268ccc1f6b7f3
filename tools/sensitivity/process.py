"""Faults of the living process, made for real in a worker and judged by how the request ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from harness.core.records import Attempt, Chunk, DetectorInput, Outcome, Variant
from harness.detectors import catalogue
from harness.detectors.base import Family, Injector
from harness.detectors.base import InjectionPoint as Where
from harness.experiments.sensitivity.figures import recall_rows, recall_rows_json
from harness.experiments.sensitivity.trial import InjectionTrial, TrialOutcome
from harness.verdicts import Limits, VerdictPolicy
from tools.sensitivity import streaming
from tools.sensitivity.living import replies

PLAIN = Variant("null", "null", {"mode": "speechlike", "seconds_per_word": 0.1}, progress_timeout=2.0)
DEADLY = ("crash", "hang")  # the worker is started again after each


def run(count: int, deadly: int, seed: int) -> dict[str, Any]:
    """Return every class of the process: ``count`` requests struck and as many not.

    ``deadly`` where the worker dies of it.
    """
    tried: list[InjectionTrial] = []
    alarms = clean = 0
    judge = VerdictPolicy(Limits.default())
    for name, fault in catalogue().items():
        if fault.family is not Family.PROCESS or fault.judged_by:
            continue
        for injector in fault.injectors:
            if injector.stage is not Where.BACKEND or injector.name == "sleep":
                continue
            wanted = deadly if name in DEADLY else count
            for struck, names in _speak(name, injector, wanted, seed, judge):
                label = injector.name or name
                if not struck:
                    clean, alarms = clean + 1, alarms + bool(names)
                    continue
                tried.append(InjectionTrial(name, label, injector.preset, "null", TrialOutcome.of(name, names), names))
    if streaming.NAME in catalogue():
        held_back, more, wrong = streaming.trials(count, seed, judge)
        tried, clean, alarms = tried + held_back, clean + more, alarms + wrong
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "seed": seed,
        "rows": recall_rows_json(recall_rows(tried)),
        "clean": clean,
        "alarms": alarms,
    }


def _speak(
    name: str, injector: Injector, count: int, seed: int, judge: VerdictPolicy
) -> Iterator[tuple[bool, tuple[str, ...]]]:
    ids = {f"c{i}" for i in range(0, 2 * count, 2)}
    plan = [{"fault": name, "injector": injector.name or name, "chunks": sorted(ids)}]
    for chunk, reply in replies(PLAIN, plan, 2 * count, seed):
        yield chunk.id in ids, _names(chunk, reply.outcome, dict(reply.notes), judge)


def _names(chunk: Chunk, outcome: Outcome, notes: dict[str, Any], judge: VerdictPolicy) -> tuple[str, ...]:
    view = DetectorInput(chunk, Attempt(0, 0, 0, chunk.id, "null", outcome=outcome, notes=notes), {})
    evidence = [f.evidence(view) for f in catalogue().values() if f.family is Family.PROCESS]
    return tuple(sorted({finding.fault for finding in judge.findings(view, evidence)[0]}))
