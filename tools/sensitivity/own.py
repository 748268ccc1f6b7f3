"""What a first run finds without a reference: clips of an engine judged as one run, copies placed among its chunks.

The path is that of the final verdicts: every copy is held against what the run's other chunks allow. For the share of
faulty chunks that a run withstands, copies take the place of their clips and the whole run is fitted anew.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.records import Json, VerdictWord
from harness.detectors import catalogue, detect_all
from harness.detectors.base import CannotInject, Detector, Injector
from harness.detectors.base import InjectionPoint as Where
from harness.experiments.sensitivity import InjectionTrial, Trials, Twin, recall_rows
from harness.experiments.sensitivity.figures import recall_rows_json
from harness.experiments.sensitivity.spoken import as_judged, recordings
from harness.verdicts import Limits, Priors, VerdictPolicy
from harness.verdicts.settled import settle_run
from tools.sensitivity.clips import clips, scored

SHARES = (0.05, 0.1, 0.2, 0.3)
OF_SHARES = (
    "bandwidth",
    "level-offset",
    "noise-floor",
    "overlong",
    "robotic",
    "rumble",
    "sample-rate",
    "wrong-speaker",
)


@dataclass(frozen=True)
class Asked:
    """What is measured of an engine's clips."""

    folder: Path
    language: str
    priors: Priors
    scorers: Mapping[str, Mapping[str, Any]]
    copies: int
    chunks: int
    classes: Sequence[str]
    other: Path | None
    shares: bool
    seed: int = 0
    before: Json | None = None  # figures of the same run whose other classes stay


def measure(asked: Asked, keep: Callable[[Json], None]) -> Json:
    """Return alarms, recall at the preset doses and by share of faulty chunks; ``keep`` saves them as they come."""
    judge = VerdictPolicy(Limits.default(asked.priors))
    trials = Trials(judge, asked.scorers, seed=asked.seed)
    run = list(scored(clips(asked.folder, asked.language, asked.chunks), trials, frozenset(asked.scorers)))
    others = recordings(asked.other, run[0].variant) if asked.other is not None else []
    run = [replace(twin, other=others[i % len(others)] if others else None) for i, twin in enumerate(run)]
    judged = as_judged(run, asked.priors)
    clean = [trials.clean(twin) for twin in judged]
    alarmed = [twin for twin, names in zip(judged, clean, strict=True) if names]
    listed = [{"chunk": twin.chunk.id, "why": list(trials.clean_details(twin))} for twin in alarmed]
    result = _healthy_figures(asked, len(judged), listed)
    injectors = _injectors(trials, asked.classes)
    again = {fault.name for fault, _ in injectors}
    result |= _other_classes(asked.before or {}, again)
    kept_rows: list[Json] = result["rows"]
    keep(result)
    tried: list[InjectionTrial] = []
    for fault, injector in injectors:
        ready = sorted(zip(judged, clean, strict=True), key=lambda pair: bool(pair[1]))[: asked.copies]
        tried += [trials.run(twin, fault, injector, injector.preset, names) for twin, names in ready]
        result["rows"] = _in_order([*kept_rows, *recall_rows_json(recall_rows(tried))])
        keep(result)
        print(f"{asked.folder.name}: {injector.name or fault.name}", file=sys.stderr, flush=True)
    for name in OF_SHARES if asked.shares else ():
        fault = catalogue()[name]
        if set(fault.observes) <= set(asked.scorers) and (not asked.classes or name in asked.classes):
            result["shares"] += _shares(asked, trials, run, fault, _for_shares(fault))
            keep(result)
    result["shares"] = _in_order(result["shares"])
    keep(result)
    return result


def _healthy_figures(asked: Asked, chunks: int, listed: list[Json]) -> Json:
    """Return what was asked and how many healthy chunks raise an alarm, without rows yet."""
    return {
        "engine": asked.folder.name,
        "language": asked.language,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "seed": asked.seed,
        "scorers": {name: dict(options) for name, options in asked.scorers.items()},
        "prior_voices": len(asked.priors.voices),
        "chunks": chunks,
        "alarmed": len(listed),
        "listed": listed,
        "rows": [],
        "shares": [],
    }


def _other_classes(before: Json, again: Collection[str]) -> Json:
    """Return the rows of ``before`` whose class is not measured anew."""
    return {part: [row for row in before.get(part, []) if row["fault"] not in again] for part in ("rows", "shares")}


def _in_order(rows: Sequence[Json]) -> list[Json]:
    order = list(catalogue())
    return sorted(rows, key=lambda row: order.index(row["fault"]))


def _injectors(trials: Trials, classes: Sequence[str]) -> list[tuple[Detector, Injector]]:
    return [
        (fault, injector)
        for name, fault in trials.classes.items()
        if (not classes or name in classes) and fault.observes and set(fault.observes) <= trials.needs(fault)
        for injector in fault.injectors
        if injector.stage in (Where.AUDIO, Where.WORDS)
    ]


def _for_shares(fault: Detector) -> Injector:
    """Return the injector whose copies are all alike: that is what could pass for the voice."""
    names = {injector.name: injector for injector in fault.injectors}
    return names.get("shifted") or names.get("scramble") or fault.injectors[0]


def _shares(asked: Asked, trials: Trials, run: Sequence[Twin], fault: Detector, injector: Injector) -> list[Json]:
    """Recall and alarms with copies in the place of a share of the chunks, the whole run fitted with them in it."""
    rng = np.random.default_rng(asked.seed)
    order = [int(i) for i in rng.permutation(len(run))]
    copies: dict[int, Twin] = {}
    rows = []
    for share in SHARES:
        for place in order[: round(share * len(run))]:
            if place not in copies:
                try:
                    copies[place] = trials.copy(run[place], fault, injector, injector.preset)
                except CannotInject:
                    continue
        struck = [place for place in order[: round(share * len(run))] if place in copies]
        mixed = [copies[i] if i in struck else twin for i, twin in enumerate(run)]
        rows.append(
            {"fault": fault.name, "injector": injector.name or fault.name, "share": share}
            | _judged(asked, trials.judge, mixed, fault, struck)
        )
    return rows


def _judged(asked: Asked, judge: VerdictPolicy, run: Sequence[Twin], fault: Detector, struck: Sequence[int]) -> Json:
    """Count what becomes of the struck chunks by the classes that could look, and the alarms on the others."""
    classes = {name for name, one in catalogue().items() if set(one.observes) <= set(asked.scorers)}
    settled = settle_run([twin.view for twin in run], [detect_all(twin.view) for twin in run], asked.priors)
    words = dict.fromkeys(("named", "otherwise", "not_judged", "clean", "alarmed", "left_open"), 0)
    for place, (view, evidence) in enumerate(zip(settled.views, settled.evidence, strict=True)):
        given = [one for one in evidence if one.fault in classes]
        verdict = judge.verdict(view, given, settled.own.of(view.attempt.id))
        findings, unjudged = judge.findings(view, given, settled.own.of(view.attempt.id))
        names = {finding.fault for finding in findings}
        if place in struck:
            left = "otherwise" if names else "not_judged" if unjudged else "clean"
            words["named" if fault.name in names else left] += 1
        else:
            words["alarmed"] += verdict.word is VerdictWord.FAULTY
            words["left_open"] += verdict.word is VerdictWord.NOT_JUDGED
    return {"struck": len(struck), "healthy": len(run) - len(struck), "can_tell": settled.can_tell, **words}


def save_to(path: Path) -> Callable[[Json], None]:
    """Return what writes the figures so far to ``path``."""

    def keep(result: Json) -> None:
        path.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    return keep
