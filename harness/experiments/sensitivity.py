"""What would have been noticed on this voice? Clean twins and injected copies of them, class by class (layer 5)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.audio import read_audio
from harness.backends.worker import Worker
from harness.calibration import BUDGET, calibrate_takes
from harness.engine.assessor import Case
from harness.engine.plan import Plan
from harness.engine.progress import Progress, Tick
from harness.errors import ConfigError, SoakError, nearest
from harness.experiments.stage import Stage, write_results
from harness.faults import catalogue
from harness.faults.base import Family
from harness.faults.base import Stage as Where
from harness.judge import Judge, Limits
from harness.profile import Take, conditions
from harness.profile.build import grouped, reference_of
from harness.profile.record import text_key
from harness.sensitivity import Row, Trials, Tried, Twin, figures
from harness.sensitivity.claims import claims
from harness.sensitivity.figures import alarms, as_json
from harness.sensitivity.table import lines
from harness.session import Turn, seed_for
from harness.types import Arm, Attempt, Chunk, Claim, Json, Outcome, Request, Samples, Tokens, Variant

_DEFAULTS: Mapping[str, Any] = {
    "takes": 3,  # of every text; the first is the clean twin, the others the reference where no profile is
    "clips": 80,  # at the preset dose: 73 of 73 bound recall at 95%
    "clips_heard": 80,  # the same of the classes that need a transcript, which cost ten times as much
    "clips_doses": 20,  # at every other dose; 0: the preset alone
    "cpu_minutes": 0,  # of injecting and scoring in this process; 0: no limit
    "classes": [],  # empty: all
    "other": "",  # folder with recordings of other voices
    "calibrate": False,
    "budget": BUDGET,  # false alarms a chunk, all classes together
    "seed": 0,
    "recall_min": 0.95,
    "alarms_max": 0.004,
}


@dataclass
class _Voice:
    """One variant as it was spoken, and what it is judged by."""

    variant: Variant
    twins: list[Twin]
    limits: Limits
    said: str  # where the limits come from


def carry_out(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak the texts, inject every class into the clean ones, and record recall and false alarms."""
    table = {**_DEFAULTS, **_checked(plan.experiment.get("sensitivity", {}))}
    results: Json = {}
    made: list[Claim] = []
    shown: list[str] = []
    with Stage(plan, progress, resume) as stage:
        for variant in plan.variants:
            try:
                voice = _spoken(stage, variant, table)
            except SoakError as error:
                stage.lost(variant, error)
                continue
            rows, clean = _measured(stage, voice, table, progress)
            results[variant.name] = _result(plan, voice, rows, clean, table)
            made += claims(variant.name, rows, clean, table["recall_min"], table["alarms_max"])
            shown += [f"**{variant.name}**, limits: {voice.said}", "", *lines(results[variant.name]), ""]
        write_results(stage.run, made, results, "\n".join(shown))
        return stage.run.path


def _checked(given: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in given:
        if key not in _DEFAULTS:
            raise ConfigError(f"limits: sensitivity: unknown key {key!r}{nearest(key, _DEFAULTS)}")
    for name in given.get("classes", []):
        if name not in catalogue():
            raise ConfigError(f"limits: sensitivity.classes: unknown fault {name!r}{nearest(name, catalogue())}")
    return given


# ------------------------------------------------------------------------------------------------- clean speech
def _spoken(stage: Stage, variant: Variant, table: Mapping[str, Any]) -> _Voice:
    """Speak every text once, and again with other seeds where there is no profile or limits are to be fitted."""
    soak = stage.soak(variant)
    soak.speak()
    first = [case for case in soak.cases.values() if case.attempt.arm == Arm.SOAK]
    again: list[Case] = []
    if soak.profile is None or table["calibrate"]:
        again = _other_takes(stage, variant, int(table["takes"]))
    profile, limits, said = soak.profile, soak.judge.limits, _source(soak.judge.limits)
    takes = [_take(case) for case in (*first, *again) if case.attempt.outcome is Outcome.OK]
    groups = grouped(takes)
    figure_texts = set(groups)
    if table["calibrate"]:
        fit_texts = _half(sorted(groups), int(table["seed"]))
        figure_texts -= fit_texts
        fit = [take for key, group in groups.items() if key in fit_texts for take in group]
        keys = conditions(stage.run, variant.name, fit)
        limits, _ = calibrate_takes(fit, keys, budget=float(table["budget"]), seed=int(table["seed"]))
        said = f"fitted on {len(fit)} takes of {len(fit_texts)} texts, none of them below"
        path = calibration_path(variant)
        limits.save(path)
        said += f"; written to {path.name}"
    twins: list[Twin] = []
    others = _recordings(str(table["other"]), variant)
    for case in first:
        key = text_key(case.chunk)
        if case.attempt.outcome is not Outcome.OK or case.attempt.audio is None or key not in figure_texts:
            continue
        audio = read_audio(stage.run.path / case.attempt.audio)
        record = profile.record(case.chunk) if profile is not None else None
        if record is None and len(groups[key]) > 1:
            record = reference_of(groups[key], without=0)
        twins.append(
            Twin(
                case.chunk,
                case.attempt,
                audio.samples,
                audio.sample_rate,
                case.observations,
                variant,
                variant.name,
                record,
                case.layout,
                previous=twins[-1] if twins else None,
                other=others[len(twins) % len(others)] if others else None,
            )
        )
    return _Voice(variant, twins, limits, said)


def _other_takes(stage: Stage, variant: Variant, takes: int) -> list[Case]:
    soak, began = stage.soak(variant), time.monotonic()
    chunks = stage.plan.chunks(variant)
    for take in range(1, takes):
        turns = [Turn(chunk, take=take, seed=seed_for(variant, chunk.id, take)) for chunk in chunks]
        with closing(soak.speak_apart(Arm.REFERENCE, turns, {"take": take})) as spoken:
            for count, (attempt, chunk, layout) in enumerate(spoken, 1):
                soak.submit(attempt, chunk, layout, None)
                stage.assessor.collect()
                soak.tick(f"take {take + 1} of {takes}", count, len(chunks), began, None, chunk.id)
    stage.assessor.drain()
    return list(soak.cases.values())


def _take(case: Case) -> Take:
    return Take(case.chunk, case.attempt, case.observations, case.previous)


def _half(keys: Sequence[str], seed: int) -> set[str]:
    chosen = np.random.default_rng(seed).permutation(len(keys))[: len(keys) // 2]
    return {keys[i] for i in chosen}


def _source(limits: Limits) -> str:
    fitted = limits.fitted
    if not fitted.get("takes"):
        return "the catalogue's defaults, not fitted on this voice"
    return f"a calibration fitted on {fitted['takes']} takes of {fitted.get('texts', '?')} texts"


def calibration_path(variant: Variant) -> Path:
    """Where the limits of a voice are written: what the variant names, else beside its file."""
    if variant.calibration is not None:
        return variant.calibration
    folder = Path(variant.source).parent if variant.source else Path()
    return folder / f"{variant.name}.calibration.json"


def _recordings(folder: str, variant: Variant) -> list[Twin]:
    """Recordings of other voices, for the classes that need one."""
    if not folder:
        return []
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix in (".flac", ".wav", ".ogg"))
    if not files:
        raise ConfigError(f"limits: sensitivity.other: no recording in {folder}")
    found = []
    for path in files[:: max(1, len(files) // 20)]:
        audio = read_audio(path)
        attempt = Attempt(0, 0, 0, path.stem, "other")
        found.append(Twin(Chunk(path.stem, ""), attempt, audio.samples, audio.sample_rate, {}, variant, "other"))
    return found


# ------------------------------------------------------------------------------------------------- injected copies
def _measured(
    stage: Stage, voice: _Voice, table: Mapping[str, Any], progress: Progress
) -> tuple[list[Row], dict[str, list[tuple[str, ...]]]]:
    with tempfile.TemporaryDirectory(prefix="tts-soak-") as workdir, _Decoder(voice.variant, Path(workdir)) as decoder:
        profile = stage.soak(voice.variant).profile
        trials = Trials(
            Judge(voice.limits),
            stage.plan.scorers,
            seed=int(table["seed"]),
            decode=decoder.decode,
            voice_embeddings=profile.voice_embeddings if profile is not None else {},
        )
        alarmed = {voice.variant.name: [trials.clean(twin) for twin in voice.twins]}
        healthy = [t for t, names in zip(voice.twins, alarmed[voice.variant.name], strict=True) if not names]
        began = time.monotonic()

        def tick(name: str, done: int, total: int) -> None:
            seconds = time.monotonic() - began
            progress.tick(Tick(voice.variant.name, "injecting", done, total, seconds=seconds, chunk_id=name))

        tried = attempt_all(trials, healthy, table, tick)
    return figures(tried), alarmed


def attempt_all(trials: Trials, twins: Sequence[Twin], table: Mapping[str, Any], tick: Any = None) -> list[Tried]:
    """Every class and injector at every dose: ``clips`` or ``clips_heard`` twins at the preset, ``clips_doses`` else.

    A class whose scorers are not part of the plan is left out, as are faults of the living process.
    """
    jobs = []
    for name, fault in trials.classes.items():
        if table["classes"] and name not in table["classes"]:
            continue
        if not set(fault.observes) <= trials.needs(fault) or not fault.observes:
            continue
        most = int(table["clips_heard" if fault.family is Family.TRANSCRIPT else "clips"])
        for injector in fault.injectors:
            if injector.stage is Where.BACKEND:
                continue
            for dose in injector.doses:
                count = most if dose == injector.preset else min(int(table["clips_doses"]), most)
                jobs += [(place, dose != injector.preset, fault, injector, dose) for place in range(count)]
    jobs.sort(key=lambda job: job[:2])  # clip by clip, so that all classes have as many when time is up
    tried: list[Tried] = []
    ends = time.process_time() + 60 * float(table["cpu_minutes"]) if table["cpu_minutes"] else None
    for done, (place, _, fault, injector, dose) in enumerate(jobs, 1):
        if place >= len(twins):
            continue
        if ends is not None and time.process_time() > ends:
            break
        tried.append(trials.run(twins[place], fault, injector, dose))
        if tick is not None:
            tick(fault.name, done, len(jobs))
    return tried


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
        """Samples, or None where the adapter cannot decode tokens alone."""
        if self._worker is None or not self._worker.alive:
            self._worker = Worker(self._variant, self._workdir)
            self._worker.start()
        reply = self._worker.request(Request(twin.chunk.id, twin.chunk.text, None, tokens=tokens))
        return reply.samples if reply.outcome is Outcome.OK else None


def _result(
    plan: Plan,
    voice: _Voice,
    rows: Sequence[Row],
    clean: Mapping[str, Sequence[tuple[str, ...]]],
    table: Mapping[str, Any],
) -> Json:
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "seed": table["seed"],
        "corpus": plan.corpus.name,
        "texts": len(voice.twins),
        "limits": voice.said,
        "limits_key": voice.limits.key,
        "scorers": {name: dict(options) for name, options in plan.scorers.items()},
        "alarms": alarms(clean),
        "rows": as_json(rows),
        "clean": [
            {"chunk": twin.chunk.id, "names": list(names)}
            for twin, names in zip(voice.twins, clean[voice.variant.name], strict=True)
            if names
        ],
    }
